//! Where requests go and which region signs them.
//!
//! CloudFront is a global service: without an endpoint of one's own the partition decides both host and signing region, whatever the
//! region is. An endpoint of one's own is signed for the region as it is set.

mod partition;

use self::partition::Partition;
use crate::config::Config;
use crate::environment::Environment;
use crate::error::Error;
use crate::globals::Globals;

/// A service whose endpoint can be set.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Service {
    /// Its name in a `services` section, and in a signature.
    pub name: &'static str,
    /// The variable of its own.
    variable: &'static str,
}

/// The service of all operations.
const CLOUDFRONT: Service = Service { name: "cloudfront", variable: "AWS_ENDPOINT_URL_CLOUDFRONT" };
/// The service that trades credentials.
pub(crate) const STS: Service = Service { name: "sts", variable: "AWS_ENDPOINT_URL_STS" };
/// The service that hands out the credentials of a single sign-on.
pub(crate) const SSO: Service = Service { name: "sso", variable: "AWS_ENDPOINT_URL_SSO" };
/// The service that renews the tokens of a single sign-on.
pub(crate) const SSO_OIDC: Service = Service { name: "sso_oidc", variable: "AWS_ENDPOINT_URL_SSO_OIDC" };

/// Where requests go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    /// Scheme, host, port; no slash at the end.
    pub base: String,
    /// What stands before the operation's path; empty or begins with a slash.
    pub prefix: String,
    /// What stands in the query before the operation's; empty when nothing does.
    pub query: String,
    /// The region of the signature's scope.
    pub signing_region: String,
}

impl Endpoint {
    /// Resolves the endpoint of one call.
    ///
    /// # Errors
    ///
    /// No region where one is needed, a region that cannot be part of a host name, an endpoint that is not a URL.
    pub(crate) fn resolve(
        environment: &dyn Environment,
        config: &Config,
        globals: &Globals,
    ) -> Result<Self, Error> {
        let region = region(environment, config, globals)?;
        let custom = match &globals.endpoint_url {
            Some(url) => Some(url.clone()),
            None => configured(environment, config, CLOUDFRONT)?,
        };
        match custom {
            Some(url) => Self::parse(&url, region.ok_or_else(no_region)?),
            None => {
                let fips = config.switch(environment, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
                let dual = config.switch(environment, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
                Ok(published(region.as_deref().unwrap_or("aws-global"), fips, dual))
            }
        }
    }

    /// Resolves the endpoint of another service, which credentials are asked from; `name` is how its published hosts begin.
    ///
    /// # Errors
    ///
    /// As [`resolve`](Self::resolve).
    pub(crate) fn of_service(
        environment: &dyn Environment,
        config: &Config,
        service: Service,
        region: Option<String>,
        name: &str,
    ) -> Result<Self, Error> {
        let region = region.ok_or_else(no_region)?;
        check_region(&region)?;
        let url = match configured(environment, config, service)? {
            Some(url) => url,
            None => {
                let fips = config.switch(environment, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
                let dual = config.switch(environment, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
                format!("https://{}", regional(name, &region, fips, dual))
            }
        };
        Self::parse(&url, region)
    }

    /// The URL of a path and query on this endpoint, as it goes into the request line.
    pub(crate) fn url(&self, path: &str, query: &str) -> String {
        let query = self.joined_query(query);
        let mark = if query.is_empty() { "" } else { "?" };
        format!("{}{}{path}{mark}{query}", self.base, self.prefix)
    }

    /// The whole query: the endpoint's and the operation's.
    pub(crate) fn joined_query(&self, query: &str) -> String {
        match (self.query.is_empty(), query.is_empty()) {
            (true, _) => query.to_owned(),
            (false, true) => self.query.clone(),
            (false, false) => format!("{}&{query}", self.query),
        }
    }

    /// The value of the Host header: the port only where it is not the scheme's own.
    pub(crate) fn host(&self) -> &str {
        let (scheme, authority) = self.base.split_once("://").unwrap_or(("", &self.base));
        let default = if scheme == "https" { ":443" } else { ":80" };
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        host.strip_suffix(default).unwrap_or(host)
    }

    /// Whether the host is one of AWS's, whichever way it was set.
    pub(crate) fn is_of_aws(&self) -> bool {
        let host = self.host();
        let host = host.rsplit_once(':').map_or(host, |(host, _)| host).to_ascii_lowercase();
        Partition::suffixes().any(|suffix| host.strip_suffix(suffix).is_some_and(|name| name.ends_with('.')))
    }

    fn parse(url: &str, signing_region: String) -> Result<Self, Error> {
        let (scheme, rest) =
            url.split_once("://").ok_or_else(|| Error::general(format!("Invalid endpoint: {url}")))?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(Error::general(format!(
                "An HTTP Client raised an unhandled exception: Not supported URL scheme {scheme}"
            )));
        }
        let authority_end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, rest) = rest.split_at(authority_end);
        let rest = rest.split('#').next().unwrap_or_default();
        let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
        if let Some((_, port)) = authority.rsplit_once(':')
            && !port.ends_with(']')
            && port.parse::<u16>().is_err()
        {
            let digits = !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit());
            return Err(Error::general(match digits {
                true => "Port out of range 0-65535".to_owned(),
                false => format!("Invalid endpoint: {url}"),
            }));
        }
        if authority.is_empty() || authority.parse::<http::uri::Authority>().is_err() {
            return Err(Error::general(format!("Invalid endpoint: {url}")));
        }
        Ok(Self {
            base: format!("{}://{authority}", scheme.to_ascii_lowercase()),
            prefix: path.strip_suffix('/').unwrap_or(path).to_owned(),
            query: query.to_owned(),
            signing_region,
        })
    }
}

/// The region of this call, if one is set.
///
/// # Errors
///
/// A region that cannot be part of a host name.
pub(crate) fn region(
    environment: &dyn Environment,
    config: &Config,
    globals: &Globals,
) -> Result<Option<String>, Error> {
    let region = globals
        .region
        .clone()
        // One that is empty is a region, too, to the AWS CLI.
        .or_else(|| environment.var("AWS_REGION"))
        .or_else(|| environment.var("AWS_DEFAULT_REGION"))
        .or_else(|| config.get("region").map(str::to_owned));
    if let Some(region) = &region {
        check_region(region)?;
    }
    Ok(region)
}

fn no_region() -> Error {
    Error::Configuration {
        code: "NoRegion",
        message:
            "You must specify a region. You can also configure your region by running \"aws configure\"."
                .to_owned(),
    }
}

/// The endpoint that the environment or the files ask for, by the AWS CLI's precedence.
fn configured(
    environment: &dyn Environment,
    config: &Config,
    service: Service,
) -> Result<Option<String>, Error> {
    if config.switch(environment, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "ignore_configured_endpoint_urls") {
        return Ok(None);
    }
    let found = environment
        .var_non_empty(service.variable)
        .or_else(|| environment.var_non_empty("AWS_ENDPOINT_URL"))
        .or_else(|| config.for_service(service.name, "endpoint_url").map(str::to_owned))
        .or_else(|| config.get("endpoint_url").map(str::to_owned));
    match found {
        Some(url) if !url.contains("://") => Err(Error::general(format!("Invalid endpoint: {url}"))),
        found => Ok(found),
    }
}

/// A region has the form of a host name's label, or is empty.
fn check_region(region: &str) -> Result<(), Error> {
    let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let fits = region.len() <= 63
        && region.bytes().all(inside)
        && !region.starts_with('-')
        && !region.ends_with('-');
    if fits {
        return Ok(());
    }
    Err(Error::general(format!("Provided region_name '{region}' doesn't match a supported format.")))
}

/// CloudFront's own endpoint for a region.
fn published(region: &str, fips: bool, dual_stack: bool) -> Endpoint {
    let (region, fips) = match region.strip_prefix("fips-").or_else(|| region.strip_suffix("-fips")) {
        Some(region) => (region, true),
        None => (region, fips),
    };
    let partition = Partition::of(region);
    let name = if fips { "cloudfront-fips" } else { "cloudfront" };
    let suffix = if dual_stack { partition.cloudfront_dual_stack } else { partition.cloudfront };
    Endpoint {
        base: format!("https://{name}.{suffix}"),
        prefix: String::new(),
        query: String::new(),
        signing_region: partition.signing_region.to_owned(),
    }
}

/// The host of a service that is one in each region.
fn regional(name: &str, region: &str, fips: bool, dual_stack: bool) -> String {
    // STS alone has a host that is everywhere.
    if (name, region, fips, dual_stack) == ("sts", "aws-global", false, false) {
        return "sts.amazonaws.com".to_owned();
    }
    let partition = Partition::of(region);
    // There all endpoints are, under the plain names.
    let is_named_fips = fips && (dual_stack || !partition.is_fips);
    let fips = if is_named_fips { "-fips" } else { "" };
    let suffix = if dual_stack { partition.dual_stack_suffix } else { partition.suffix };
    format!("{name}{fips}.{region}.{suffix}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart_and_put_together() {
        let check = |url: &str, host: &str, want: &str| {
            let endpoint = Endpoint::parse(url, "r".to_owned()).unwrap_or_else(|why| panic!("{url}: {why}"));
            assert_eq!(endpoint.host(), host, "{url}");
            assert_eq!(endpoint.url("/p", "a=b"), want, "{url}");
        };
        check("http://h", "h", "http://h/p?a=b");
        check("http://h:80/", "h", "http://h:80/p?a=b");
        check("https://h:8443/x/", "h:8443", "https://h:8443/x/p?a=b");
        check("HTTP://h/?x=1", "h", "http://h/p?x=1&a=b");
        check("http://h//", "h", "http://h//p?a=b");
        check("http://[::1]:81", "[::1]:81", "http://[::1]:81/p?a=b");
    }

    #[test]
    fn aws_is_known_by_its_names() {
        let check = |url: &str, want: bool| {
            let endpoint = Endpoint::parse(url, "r".to_owned()).unwrap_or_else(|why| panic!("{url}: {why}"));
            assert_eq!(endpoint.is_of_aws(), want, "{url}");
        };
        check("https://CloudFront.amazonaws.com:443", true);
        check("https://cloudfront-fips.cn-northwest-1.amazonaws.com.cn", true);
        check("https://cloudfront.global.api.aws", true);
        check("https://cloudfront.c2s.ic.gov", true);
        check("http://127.0.0.1:4580", false);
        check("https://amazonaws.com.example", false);
    }

    #[test]
    fn bad_urls_are_refused() {
        let check = |url: &str, want: &str| {
            assert_eq!(Endpoint::parse(url, "r".to_owned()).expect_err(url).to_string(), want);
        };
        check("ftp://h/", "An HTTP Client raised an unhandled exception: Not supported URL scheme ftp");
        check("http://h:99999", "Port out of range 0-65535");
        check("http://h:x", "Invalid endpoint: http://h:x");
        check("http:///x", "Invalid endpoint: http:///x");
    }

    #[test]
    fn other_services_have_a_host_in_each_region() {
        let check = |name: &str, region: &str, [fips, dual_stack]: [bool; 2], want: &str| {
            assert_eq!(regional(name, region, fips, dual_stack), want);
        };
        check("sts", "us-east-1", [false, false], "sts.us-east-1.amazonaws.com");
        check("sts", "us-east-1", [true, false], "sts-fips.us-east-1.amazonaws.com");
        check("portal.sso", "us-east-1", [true, true], "portal.sso-fips.us-east-1.api.aws");
        check("oidc", "eu-west-1", [false, true], "oidc.eu-west-1.api.aws");
        check("sts", "us-gov-west-1", [true, false], "sts.us-gov-west-1.amazonaws.com");
        check("sts", "us-gov-west-1", [true, true], "sts-fips.us-gov-west-1.api.aws");
        check("sts", "cn-north-1", [false, true], "sts.cn-north-1.api.amazonwebservices.com.cn");
        check("sts", "us-iso-east-1", [false, false], "sts.us-iso-east-1.c2s.ic.gov");
        check("sts", "eusc-de-east-1", [false, false], "sts.eusc-de-east-1.amazonaws.eu");
        check("sts", "aws-global", [false, false], "sts.amazonaws.com");
        check("sts", "aws-global", [true, false], "sts-fips.aws-global.amazonaws.com");
    }

    #[test]
    fn partitions_have_their_own_hosts() {
        let check = |region: &str, fips: bool, base: &str, signing_region: &str| {
            let endpoint = published(region, fips, false);
            assert_eq!(
                (endpoint.base.as_str(), endpoint.signing_region.as_str()),
                (base, signing_region),
                "{region}"
            );
        };
        check("eu-west-1", false, "https://cloudfront.amazonaws.com", "us-east-1");
        check("aws-global", true, "https://cloudfront-fips.amazonaws.com", "us-east-1");
        check("fips-us-east-1", false, "https://cloudfront-fips.amazonaws.com", "us-east-1");
        check("cn-north-1", false, "https://cloudfront.cn-northwest-1.amazonaws.com.cn", "cn-northwest-1");
        check("us-gov-west-1", true, "https://cloudfront-fips.amazonaws.com", "us-gov-west-1");
        check(
            "aws-cn-global",
            true,
            "https://cloudfront-fips.cn-northwest-1.amazonaws.com.cn",
            "cn-northwest-1",
        );
        check("us-iso-west-1", false, "https://cloudfront.c2s.ic.gov", "us-iso-east-1");
        check("eusc-de-east-1", false, "https://cloudfront.amazonaws.eu", "eusc-de-east-1");
        check("eusc-fr-east-1", false, "https://cloudfront.amazonaws.com", "us-east-1");
        let dual_stack = |region| published(region, true, true).base;
        assert_eq!(dual_stack("eu-west-1"), "https://cloudfront-fips.global.api.aws");
        assert_eq!(dual_stack("cn-north-1"), "https://cloudfront-fips.api.amazonwebservices.com.cn");
        assert_eq!(dual_stack("us-gov-east-1"), "https://cloudfront-fips.api.aws");
    }
}
