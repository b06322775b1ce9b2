//! The parts of AWS's cloud, and what their hosts are called.

/// A part of the cloud with host names of its own. CloudFront is one service in each, whatever the region.
pub(super) struct Partition {
    /// What its regions begin with; `NAME-DIGITS` follows.
    prefix: &'static str,
    /// The name that stands for all of its regions; its only one where there is no such name.
    global: &'static str,
    /// The region that signs.
    pub signing_region: &'static str,
    /// What follows a region in the name of a host.
    pub suffix: &'static str,
    /// The same with IPv6.
    pub dual_stack_suffix: &'static str,
    /// What follows `cloudfront.` or `cloudfront-fips.`.
    pub cloudfront: &'static str,
    /// The same with IPv6.
    pub cloudfront_dual_stack: &'static str,
    /// Whether what has no `-fips` in its name is FIPS too.
    pub is_fips: bool,
}

/// The first is for every region that no other one knows (botocore's `partitions.json` and CloudFront's endpoint rule set).
const PARTITIONS: &[Partition] = &[
    Partition {
        cloudfront_dual_stack: "global.api.aws",
        ..partition("", "aws-global", "us-east-1", ["amazonaws.com", "api.aws"])
    },
    Partition {
        cloudfront: "cn-northwest-1.amazonaws.com.cn",
        ..partition(
            "cn-",
            "aws-cn-global",
            "cn-northwest-1",
            ["amazonaws.com.cn", "api.amazonwebservices.com.cn"],
        )
    },
    Partition {
        is_fips: true,
        ..partition("us-gov-", "aws-us-gov-global", "us-gov-west-1", ["amazonaws.com", "api.aws"])
    },
    partition("us-iso-", "aws-iso-global", "us-iso-east-1", ["c2s.ic.gov", "api.aws.ic.gov"]),
    partition("us-isob-", "aws-iso-b-global", "us-isob-east-1", ["sc2s.sgov.gov", "api.aws.scloud"]),
    partition("eu-isoe-", "aws-iso-e-global", "eu-isoe-west-1", ["cloud.adc-e.uk", "api.cloud-aws.adc-e.uk"]),
    partition("us-isof-", "aws-iso-f-global", "us-isof-south-1", ["csp.hci.ic.gov", "api.aws.hci.ic.gov"]),
    partition("eusc-de-", "eusc-de-east-1", "eusc-de-east-1", ["amazonaws.eu", "api.amazonwebservices.eu"]),
];

/// A partition in which CloudFront's hosts end as all others do.
const fn partition(
    prefix: &'static str,
    global: &'static str,
    signing_region: &'static str,
    [suffix, dual_stack_suffix]: [&'static str; 2],
) -> Partition {
    Partition {
        prefix,
        global,
        signing_region,
        suffix,
        dual_stack_suffix,
        cloudfront: suffix,
        cloudfront_dual_stack: dual_stack_suffix,
        is_fips: false,
    }
}

impl Partition {
    pub(super) fn of(region: &str) -> &'static Partition {
        let [first, others @ ..] = PARTITIONS else { unreachable!("there are partitions") };
        others.iter().find(|partition| partition.has(region)).unwrap_or(first)
    }

    /// What AWS's hosts end with, in all partitions.
    pub(super) fn suffixes() -> impl Iterator<Item = &'static str> {
        PARTITIONS.iter().flat_map(|partition| [partition.suffix, partition.dual_stack_suffix])
    }

    fn has(&self, region: &str) -> bool {
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
        let place = region.strip_prefix(self.prefix).and_then(|rest| rest.split_once('-'));
        region == self.global
            || place.is_some_and(|(name, number)| {
                !name.is_empty()
                    && name.chars().all(is_word)
                    && !number.is_empty()
                    && number.bytes().all(|digit| digit.is_ascii_digit())
            })
    }
}
