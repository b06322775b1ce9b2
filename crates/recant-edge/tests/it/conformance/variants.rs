//! Secondary keys: RFC 9111 section 4.1.

use super::{Exchange, From, check, get};

fn varying(vary: &[&str]) -> Exchange {
    let vary: Vec<String> = vary.iter().map(|vary| format!("Vary: {vary}")).collect();
    let mut answers = vec!["Cache-Control: max-age=5000", "Last-Modified: {-3000}", "Date: {0}"];
    answers.extend(vary.iter().map(String::as_str));
    get(&answers)
}

#[tokio::test]
async fn the_fields_that_vary_names_select() {
    let case = |vary: &'static str,
                stored: &'static [&'static str],
                presented: &'static [&'static str],
                from| async move {
        let exchanges = [varying(&[vary]).asking(stored), get(&[]).asking(presented).from(from)];
        check(&format!("{vary}: {stored:?}, then {presented:?}"), &exchanges).await;
    };
    case("Foo", &["Foo: 1"], &["Foo: 1"], From::Store).await;
    case("Foo", &["Foo: 1", "Other: 2"], &["Foo: 1", "Other: 3"], From::Store).await;
    case("Foo", &["Foo: 1"], &["Foo: 2"], From::Origin).await;
    case("Foo", &[], &["Foo: 1"], From::Origin).await;
    case("Foo", &["Foo: 1"], &[], From::Origin).await;
    case("Foo, Bar", &["Foo: 1", "Bar: abc"], &["Foo: 1", "Bar: abc"], From::Store).await;
    case("Foo, Bar", &["Foo: 1", "Bar: abc"], &["Foo: 2", "Bar: abc"], From::Origin).await;
    case("Foo, Bar", &["Foo: 1", "Bar: abc"], &[], From::Origin).await;
    let three: &[&str] = &["Foo: 1", "Bar: abc", "Baz: 789"];
    case("Foo, Bar, Baz", three, three, From::Store).await;
    case("Foo, Bar, Baz", three, &["Foo: 2", "Bar: abc", "Baz: 789"], From::Origin).await;
    case("Foo, Bar, Baz", three, &["Foo: 1", "Baz: 789", "Bar: abcde"], From::Origin).await;
    case("Foo, Bar, Baz", &["Foo: 1", "Baz: 789"], &["Foo: 1", "Baz: 789"], From::Store).await;
    // What means the same.
    case("Foo", &["Foo: 1, 2"], &["Foo: 1", "Foo: 2"], From::Store).await;
    case("Foo", &["Foo: 1,2"], &["Foo:  1, 2 "], From::Store).await;
    case("Accept-Language", &["Accept-Language: en, de"], &["Accept-Language: eN, De"], From::Store).await;
    case("Accept-Language", &["Accept-Language: en, de"], &["Accept-Language:  en ,   de"], From::Store)
        .await;
}

#[tokio::test]
async fn variants_lie_side_by_side() {
    let (one, two) = (["Foo: 1"], ["Foo: 2"]);
    let exchanges = [
        varying(&["Foo"]).asking(&one),
        varying(&["Foo"]).asking(&two).from(From::Origin),
        get(&[]).asking(&one).from(From::Store).gets("answer", "1"),
        get(&[]).asking(&two).from(From::Store).gets("answer", "2"),
    ];
    check("two variants", &exchanges).await;
}

#[tokio::test]
async fn a_star_is_never_selected() {
    for vary in [&["*"][..], &["*, *"], &["*", "*"], &[", *"], &["", "*"], &["*, Foo"], &["Foo, *"]] {
        let asked = ["Foo: 1", "Baz: 789"];
        check(
            &format!("{vary:?}"),
            &[varying(vary).asking(&asked), get(&[]).asking(&asked).from(From::Origin)],
        )
        .await;
    }
}

#[tokio::test]
async fn validation_is_for_the_variant_that_is_selected() {
    let answers = ["Expires: {1}", "ETag: \"abcdef\"", "Date: {0}", "Vary: Abc"];
    let exchanges = [
        get(&answers).asking(&["Abc: 123"]).pause(),
        get(&answers).asking(&["Abc: 123"]).from(From::Validated("if-none-match")),
        get(&[]).asking(&["Abc: 456"]).from(From::Origin),
    ];
    check("the variant", &exchanges).await;
}
