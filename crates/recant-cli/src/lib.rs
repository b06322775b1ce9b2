//! The client: `cloudfront …` as the AWS CLI v2 spells it.
