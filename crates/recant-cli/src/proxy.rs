//! Which proxy stands between us and the endpoint, by the usual environment variables.

use crate::environment::Environment;

/// The proxy for a URL's scheme and host; none when there is none, or `NO_PROXY` takes the host out.
pub(crate) fn find(environment: &dyn Environment, base: &str) -> Option<String> {
    let (scheme, authority) = base.split_once("://")?;
    // The lower-case name decides as soon as it is there: an empty one is no proxy.
    let either = |name: &str| {
        let text = environment.var(&name.to_lowercase()).or_else(|| environment.var(&name.to_uppercase()));
        text.filter(|text| !text.is_empty())
    };
    let proxy = either(&format!("{scheme}_proxy"))?;
    let is_port = |text: &str| text.bytes().all(|digit| digit.is_ascii_digit());
    let host =
        authority.rsplit_once(':').filter(|(_, port)| is_port(port)).map_or(authority, |(host, _)| host);
    let excluded = either("no_proxy").is_some_and(|list| is_excluded(&list, host, authority));
    (!excluded).then(|| if proxy.contains("://") { proxy } else { format!("http://{proxy}") })
}

/// `*` alone is every host; any other entry is a host or the end of one, with or without a port.
fn is_excluded(list: &str, host: &str, authority: &str) -> bool {
    let (list, host, authority) = (list.to_lowercase(), host.to_lowercase(), authority.to_lowercase());
    if list == "*" {
        return true;
    }
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let name = entry.trim_start_matches('.');
        let ends_with = |text: &str| text == name || text.ends_with(&format!(".{name}"));
        ends_with(&host) || ends_with(&authority)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::environment::ScriptedEnvironment;

    #[test]
    fn the_scheme_and_no_proxy_decide() {
        let check = |vars: &[(&str, &str)], base: &str, want: Option<&str>| {
            let environment = ScriptedEnvironment::new(vars.iter().copied());
            assert_eq!(find(&environment, base).as_deref(), want, "{vars:?} {base}");
        };
        let proxy = ("HTTPS_PROXY", "http://p:1");
        check(&[proxy], "https://a.b", Some("http://p:1"));
        check(&[proxy], "http://a.b", None);
        check(&[("https_proxy", "p:2"), proxy], "https://a.b", Some("http://p:2"));
        check(&[proxy, ("NO_PROXY", "*")], "https://a.b", None);
        check(&[proxy, ("NO_PROXY", "x, .b")], "https://a.b:8", None);
        check(&[proxy, ("NO_PROXY", "c")], "https://a.bc", Some("http://p:1"));
        check(&[proxy, ("NO_PROXY", "A.B")], "https://a.b", None);
        check(&[proxy, ("NO_PROXY", "x,*")], "https://a.b", Some("http://p:1"));
        check(&[proxy, ("NO_PROXY", "[::1]")], "https://[::1]", None);
        check(&[proxy, ("NO_PROXY", "a.b:8")], "https://a.b:8", None);
        check(&[("https_proxy", ""), proxy], "https://a.b", None);
    }
}
