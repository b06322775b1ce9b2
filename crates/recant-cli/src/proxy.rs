//! Which proxy stands between us and the endpoint, by the usual environment variables.

use crate::environment::Environment;

/// The proxy for a URL's scheme and host; none when there is none, or `NO_PROXY` takes the host out.
pub(crate) fn find(environment: &dyn Environment, base: &str) -> Option<String> {
    let (scheme, authority) = base.split_once("://")?;
    let either = |name: &str| {
        environment
            .var_non_empty(&name.to_lowercase())
            .or_else(|| environment.var_non_empty(&name.to_uppercase()))
    };
    let proxy = either(&format!("{scheme}_proxy"))?;
    let host = authority.rsplit_once(':').map_or(authority, |(host, _)| host);
    let excluded = either("no_proxy").is_some_and(|list| is_excluded(&list, host, authority));
    (!excluded).then(|| if proxy.contains("://") { proxy } else { format!("http://{proxy}") })
}

/// `*` is every host; any other entry is a host or the end of one.
fn is_excluded(list: &str, host: &str, authority: &str) -> bool {
    list.split(',').map(str::trim).filter(|entry| !entry.is_empty()).any(|entry| {
        let name = entry.trim_start_matches('.');
        let ends_with = |text: &str| text == name || text.ends_with(&format!(".{name}"));
        entry == "*" || ends_with(host) || ends_with(authority)
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
    }
}
