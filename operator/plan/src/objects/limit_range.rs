use super::{Desired, meta};
use crate::quota::Share;
use k8s_openapi::api::core::v1::{LimitRange, LimitRangeItem, LimitRangeSpec};
use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use snc_core::names::LIMITS;
use snc_core::policy::Constraints;
use snc_core::quantity::Amount;
use std::collections::BTreeMap;

type Amounts = BTreeMap<String, Amount>;

/// For containers that state nothing, where a quota would otherwise refuse them (source: product).
const DEFAULTS: &[(&str, &str, &str)] = &[("cpu", "500m", "100m"), ("memory", "512Mi", "128Mi")];

/// Spells out what the API server would default (limits from max, requests from limits), so that what is read
/// back is what was applied.
pub fn limit_range(namespace: &str, constraints: &Constraints, share: &Share) -> Option<Desired> {
    let max: Amounts = constraints.container_max.iter().map(|(r, a, _)| (r.to_owned(), a)).collect();
    let mut default: Amounts =
        constraints.container_default.iter().map(|(r, a, _)| (r.to_owned(), a)).collect();
    let mut request: Amounts =
        constraints.container_request.iter().map(|(r, a, _)| (r.to_owned(), a)).collect();
    for (resource, limit, asked) in DEFAULTS {
        let counted = |name: &str| share.hard.contains_key(name);
        // A quota on plain `cpu` counts requests.
        let named = [format!("limits.{resource}"), format!("requests.{resource}"), (*resource).to_owned()];
        if named.iter().any(|name| counted(name))
            && let (Ok(limit), Ok(asked)) = (Amount::parse(limit), Amount::parse(asked))
        {
            default.entry((*resource).to_owned()).or_insert(limit);
            request.entry((*resource).to_owned()).or_insert(asked);
        }
    }
    for (resource, most) in &max {
        let limit = default.entry(resource.clone()).or_insert(*most);
        *limit = (*limit).min(*most);
        let asked = request.get(resource).copied().unwrap_or(*limit).min(*limit);
        request.insert(resource.clone(), asked);
    }
    for (resource, limit) in &default {
        let asked = request.get(resource).copied().unwrap_or(*limit).min(*limit);
        request.insert(resource.clone(), asked);
    }
    if max.is_empty() && default.is_empty() && request.is_empty() {
        return None;
    }
    let quantities = |amounts: Amounts| {
        let list: BTreeMap<_, _> = amounts.into_iter().map(|(r, a)| (r, Quantity(a.to_string()))).collect();
        (!list.is_empty()).then_some(list)
    };
    Some(Desired::LimitRange(Box::new(LimitRange {
        metadata: meta(namespace, LIMITS, "limits"),
        spec: Some(LimitRangeSpec {
            limits: vec![LimitRangeItem {
                type_: "Container".into(),
                max: quantities(max),
                default: quantities(default),
                default_request: quantities(request),
                ..LimitRangeItem::default()
            }],
        }),
    })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use snc_core::lattice::{Least, Source};

    #[test]
    fn defaults_fit_under_max_and_requests_under_limits() {
        let of = |list: &[(&str, &str)]| {
            Least::of(
                list.iter().map(|(r, a)| ((*r).to_owned(), Amount::parse(a).unwrap())),
                &Source::Product,
            )
        };
        let constraints = Constraints {
            container_max: of(&[("cpu", "200m")]),
            container_request: of(&[("cpu", "1")]),
            ..Constraints::default()
        };
        let share = Share { hard: [("limits.memory".to_owned(), Amount::ZERO)].into(), excess: vec![] };
        let Some(Desired::LimitRange(range)) = limit_range("n", &constraints, &share) else { panic!("none") };
        assert_eq!(
            serde_json::to_value(&range.spec.unwrap().limits[0]).unwrap(),
            serde_json::json!({
                "type": "Container",
                "max": {"cpu": "200m"},
                "default": {"cpu": "200m", "memory": "512Mi"},
                "defaultRequest": {"cpu": "200m", "memory": "128Mi"},
            })
        );
    }

    #[test]
    fn nothing_asked_nothing_built() {
        assert!(limit_range("n", &Constraints::default(), &Share::default()).is_none());
    }
}
