use k8s_openapi::apimachinery::pkg::apis::meta::v1::LabelSelector;
use snc_core::text::Refusal;

/// The API server checks selectors of built-in kinds, not of custom ones: a selector that it would refuse in the
/// generated policy is refused here, with its path.
pub fn selector(given: Option<&LabelSelector>, path: &str) -> Result<LabelSelector, Refusal> {
    let Some(given) = given else { return Ok(LabelSelector::default()) };
    for (key, value) in given.match_labels.iter().flatten() {
        let path = format!("{path}.matchLabels[{key}]");
        check_key(key, &path)?;
        check_value(value, &path)?;
    }
    for (i, expression) in given.match_expressions.iter().flatten().enumerate() {
        let path = format!("{path}.matchExpressions[{i}]");
        check_key(&expression.key, &format!("{path}.key"))?;
        let values = expression.values.as_deref().unwrap_or_default();
        let wants_values = match expression.operator.as_str() {
            "In" | "NotIn" => true,
            "Exists" | "DoesNotExist" => false,
            other => {
                return Err(Refusal::new(
                    format!("{path}.operator"),
                    other,
                    "In, NotIn, Exists ou DoesNotExist",
                    "In, NotIn, Exists or DoesNotExist",
                ));
            }
        };
        if wants_values == values.is_empty() {
            return Err(Refusal::new(
                format!("{path}.values"),
                values.join(","),
                "des valeurs pour In et NotIn, aucune pour Exists et DoesNotExist",
                "values for In and NotIn, none for Exists and DoesNotExist",
            ));
        }
        for value in values {
            check_value(value, &format!("{path}.values"))?;
        }
    }
    Ok(given.clone())
}

pub(super) fn check_key(key: &str, path: &str) -> Result<(), Refusal> {
    let (prefix, name) = key.split_once('/').map_or((None, key), |(prefix, name)| (Some(prefix), name));
    let prefix_ok = prefix.is_none_or(|p| p.len() <= 253 && p.split('.').all(is_dns_label));
    if prefix_ok && !name.is_empty() && is_label_text(name) {
        return Ok(());
    }
    Err(Refusal::new(
        path,
        key,
        "une clé de label Kubernetes ([préfixe/]nom)",
        "a Kubernetes label key ([prefix/]name)",
    ))
}

fn check_value(value: &str, path: &str) -> Result<(), Refusal> {
    if is_label_text(value) {
        return Ok(());
    }
    Err(Refusal::new(
        path,
        value,
        "une valeur de label Kubernetes (63 caractères ASCII au plus : lettres, chiffres, - _ .)",
        "a Kubernetes label value (at most 63 ASCII characters: letters, digits, - _ .)",
    ))
}

fn is_label_text(text: &str) -> bool {
    let edge = |b: Option<&u8>| b.is_none_or(u8::is_ascii_alphanumeric);
    let bytes = text.as_bytes();
    text.len() <= 63
        && edge(bytes.first())
        && edge(bytes.last())
        && bytes.iter().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(b))
}

pub(super) fn is_dns_label(text: &str) -> bool {
    let bytes = text.as_bytes();
    !text.is_empty()
        && text.len() <= 63
        && !text.starts_with('-')
        && !text.ends_with('-')
        && bytes.iter().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({}), None)]
    #[case(json!({"matchLabels": {"app": "front", "example.org/tier": ""}}), None)]
    #[case(json!({"matchLabels": {"app": "é"}}), Some("s.matchLabels[app]"))]
    #[case(json!({"matchLabels": {"-app": "x"}}), Some("s.matchLabels[-app]"))]
    #[case(json!({"matchLabels": {"Example.org/app": "x"}}), Some("s.matchLabels[Example.org/app]"))]
    #[case(json!({"matchExpressions": [{"key": "a", "operator": "In", "values": []}]}), Some("s.matchExpressions[0].values"))]
    #[case(json!({"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["x"]}]}), Some("s.matchExpressions[0].values"))]
    #[case(json!({"matchExpressions": [{"key": "a", "operator": "Like"}]}), Some("s.matchExpressions[0].operator"))]
    #[case(json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["ok", "not ok"]}]}), Some("s.matchExpressions[0].values"))]
    fn selectors(#[case] given: serde_json::Value, #[case] refused_at: Option<&str>) {
        let given: LabelSelector = serde_json::from_value(given).unwrap();
        let result = selector(Some(&given), "s");
        assert_eq!(result.err().map(|r| r.path).as_deref(), refused_at);
    }
}
