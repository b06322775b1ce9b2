//! Policies as data: a document, questions, answers.

use super::*;

const TENANT: &str = "arn:aws:cloudfront::000000000000:distribution-tenant/dt_1";
const OTHER: &str = "arn:aws:cloudfront::000000000000:distribution-tenant/dt_10";

fn read(json: &str) -> Result<Policy, String> {
    let document: PolicyDocument = serde_json::from_str(json).map_err(|error| error.to_string())?;
    Policy::new(document).map_err(|error| error.to_string())
}

/// A policy of these statements.
fn policy(statements: &str) -> Policy {
    read(&format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#)).unwrap()
}

#[test]
fn a_deny_wins_and_silence_denies() {
    let policy = policy(
        r#"{"Effect":"Allow","Action":["cloudfront:*Invalidation*","cloudfront:Get*"],"Resource":"*"},
           {"Sid":"NotThatOne","Effect":"Deny","Action":"cloudfront:create*","Resource":"arn:aws:cloudfront::000000000000:distribution-tenant/dt_10"}"#,
    );
    let check = |action: &str, resource: &str, expected: Access| {
        assert_eq!(policy.decide(action, resource), expected, "{action} {resource}");
    };
    let explicit = || Access::Denied(Denial::Explicit(Some("NotThatOne".to_owned())));
    check("cloudfront:CreateInvalidationForDistributionTenant", TENANT, Access::Allowed);
    check("cloudfront:CreateInvalidationForDistributionTenant", OTHER, explicit());
    check("CLOUDFRONT:CREATEINVALIDATIONFORDISTRIBUTIONTENANT", OTHER, explicit());
    check("cloudfront:GetDistributionTenant", OTHER, Access::Allowed);
    check("cloudfront:DeleteDistributionTenant", TENANT, Access::Denied(Denial::Implicit));
}

#[test]
fn resources_match_in_their_own_spelling_only() {
    let policy = policy(&format!(r#"{{"Effect":"Allow","Action":"*","Resource":"{TENANT}"}}"#));
    let allowed =
        |resource: &str| policy.decide("cloudfront:GetDistributionTenant", resource) == Access::Allowed;
    assert!(allowed(TENANT));
    for other in
        [OTHER, &TENANT.to_uppercase(), &TENANT.replace("dt_1", "DT_1"), &TENANT[..TENANT.len() - 1], "*"]
    {
        assert!(!allowed(other), "{other}");
    }
}

#[test]
fn negations_are_about_all_the_rest() {
    let policy = policy(&format!(
        r#"{{"Effect":"Allow","NotAction":"cloudfront:Delete*","Resource":"*"}},
           {{"Effect":"Deny","Action":"*","NotResource":["{TENANT}"]}}"#
    ));
    let decide = |action, resource| policy.decide(action, resource);
    assert_eq!(decide("cloudfront:GetDistributionTenant", TENANT), Access::Allowed);
    assert_eq!(decide("cloudfront:DeleteDistributionTenant", TENANT), Access::Denied(Denial::Implicit));
    assert_eq!(decide("cloudfront:GetDistributionTenant", OTHER), Access::Denied(Denial::Explicit(None)));
}

#[test]
fn one_statement_need_not_be_a_list() {
    let json = r#"{"Statement":{"Effect":"Allow","Action":"recant:ListKeys","Resource":"*"}}"#;
    let document: PolicyDocument = serde_json::from_str(json).unwrap();
    assert_eq!(Policy::new(document).unwrap().decide("recant:ListKeys", "*"), Access::Allowed);
}

#[test]
fn what_is_not_honoured_is_refused_by_name() {
    let check = |json: &str, expected: &str| {
        let error = read(json).expect_err(json);
        assert!(error.contains(expected), "{json}: {error}");
    };
    let statement = |members: &str| format!(r#"{{"Statement":[{{{members}}}]}}"#);
    check(r#"{"Statement":[]}"#, "1 to");
    check(r#"{"Version":"2026-01-01","Statement":[]}"#, "Version: '2026-01-01'");
    check("{}", "missing field `Statement`");
    check(r#"{"Statement":[],"Principal":"*"}"#, "unknown field `Principal`");
    check(
        &statement(r#""Effect":"Allow","Action":"*","Resource":"*","Condition":{}"#),
        "unknown field `Condition`",
    );
    check(&statement(r#""Effect":"allow","Action":"*","Resource":"*""#), "Statement[0]: Effect: 'allow'");
    check(&statement(r#""Effect":"Allow","Resource":"*""#), "one of Action and NotAction");
    check(
        &statement(r#""Effect":"Allow","Action":"*","Resource":"*","NotResource":"*""#),
        "one of Resource and NotResource",
    );
    check(&statement(r#""Effect":"Allow","Action":[],"Resource":"*""#), "Action: 1 to");
    check(&statement(r#""Effect":"Allow","Action":"s3:GetObject","Resource":"*""#), "of another service");
    check(&statement(r#""Effect":"Allow","Action":"GetDistribution","Resource":"*""#), "is not like");
    check(&statement(r#""Effect":"Allow","Action":"*","Resource":"dt_1""#), "neither '*' nor like");
    check(
        &statement(r#""Effect":"Allow","Action":"*","Resource":"arn:aws:cloudfront::0:x/${aws:username}""#),
        "policy variable",
    );
    check(&statement(r#""Effect":"Allow","Action":5,"Resource":"*""#), "one element or a list of them");
}

#[test]
fn a_document_is_written_as_it_was_read() {
    for json in [
        r#"{"Version":"2012-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Allow","Action":["*"],"Resource":"*"}]}"#,
        r#"{"Statement":[{"Effect":"Deny","NotAction":["cloudfront:Get*"],"NotResource":["*"]}]}"#,
    ] {
        let document: PolicyDocument = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&document).unwrap(), json);
    }
}
