//! How Secrets are asked for when nobody is to see their content: their type is no metadata, but it can be selected by.

/// As controls name the kind.
pub const KIND: &str = "core/Secret";

/// Types that controls speak of; all others are one to them.
const TYPES: [&str; 4] = [
    "kubernetes.io/service-account-token",
    "kubernetes.io/basic-auth",
    "kubernetes.io/ssh-auth",
    "kubernetes.io/tls",
];

/// Field selectors that give every Secret once, each with the type of what it gives; empty for all the others.
pub fn queries() -> impl Iterator<Item = (String, &'static str)> {
    let others: Vec<String> = TYPES.iter().map(|kind| format!("type!={kind}")).collect();
    let typed = TYPES.into_iter().map(|kind| (format!("type={kind}"), kind));
    std::iter::once((others.join(","), "")).chain(typed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_query_and_the_rest_excludes_them_all() {
        let all: Vec<(String, &str)> = queries().collect();
        let (rest, typed) = all.split_first().unwrap();
        assert_eq!((rest.1, typed.len()), ("", TYPES.len()));
        for (selector, kind) in typed {
            assert_eq!(*selector, format!("type={kind}"));
            assert!(rest.0.split(',').any(|part| part == format!("type!={kind}")), "{kind}");
        }
    }
}
