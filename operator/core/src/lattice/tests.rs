use super::*;
use crate::control::Stronger;
use crate::parameters::{NOTHING, ParameterKey, Parameters, Setting, Tailored};
use crate::tier::Mode;
use proptest::prelude::*;
use std::collections::BTreeSet;

fn source() -> impl Strategy<Value = Source> {
    prop_oneof![
        Just(Source::Product),
        "[a-c]".prop_map(Source::Baseline),
        "[a-c]".prop_map(Source::Tenant),
        "[a-c]".prop_map(Source::Policy),
    ]
}

fn most() -> impl Strategy<Value = Most<Mode>> {
    (prop::option::of(prop::sample::select(Mode::ALL)), source()).prop_map(|(v, s)| Most::of(v, &s))
}

fn least() -> impl Strategy<Value = Least> {
    (prop::collection::btree_map("[xyz]", 0u32..4, 0..3), source()).prop_map(|(m, s)| {
        Least::of(m.into_iter().map(|(k, v)| (k, Amount::parse(&v.to_string()).unwrap())), &s)
    })
}

fn allow() -> impl Strategy<Value = Allow<u8>> {
    (prop::option::of(prop::collection::vec(0u8..4, 0..4)), source()).prop_map(|(v, s)| Allow::of(v, &s))
}

fn block() -> impl Strategy<Value = IpNet> {
    (0u32..8, 29u8..=32)
        .prop_map(|(addr, len)| IpNet::V4(ipnet::Ipv4Net::new(addr.into(), len).unwrap()).trunc())
}

fn allow_blocks() -> impl Strategy<Value = AllowBlocks> {
    (prop::option::of(prop::collection::vec(block(), 0..4)), source())
        .prop_map(|(v, s)| AllowBlocks::of(v, &s))
}

fn deny_blocks() -> impl Strategy<Value = DenyBlocks> {
    (prop::collection::vec(block(), 0..4), source()).prop_map(|(v, s)| DenyBlocks::of(v, &s))
}

/// The name says the direction, as a catalogue says one for each parameter.
fn setting() -> impl Strategy<Value = (Stronger, Setting)> {
    let list = || prop::collection::btree_set("[ab]", 0..3).prop_map(Setting::List);
    prop_oneof![
        (Just(Stronger::Fewer), list()),
        (Just(Stronger::More), list()),
        (Just(Stronger::Lower), (0i64..4).prop_map(Setting::Integer)),
        (Just(Stronger::Higher), (0i64..4).prop_map(Setting::Integer)),
        (Just(Stronger::True), any::<bool>().prop_map(Setting::Flag)),
        (Just(Stronger::False), any::<bool>().prop_map(Setting::Flag)),
    ]
}

fn key(control: &str, name: &str) -> ParameterKey {
    ParameterKey { control: control.to_owned(), name: name.to_owned() }
}

fn tailored() -> impl Strategy<Value = Parameters> {
    (prop::collection::vec(("[cd]", setting()), 0..6), source()).prop_map(|(entries, source)| {
        Parameters::of(entries.into_iter().map(|(control, (stronger, value))| {
            (key(&control, stronger.as_str()), Tailored::new(stronger, value, &source))
        }))
    })
}

/// Even where one parameter is read in two ways, which nothing does.
fn mixed() -> impl Strategy<Value = Parameters> {
    (prop::collection::vec(setting(), 0..3), source()).prop_map(|(entries, source)| {
        let one = |(stronger, value)| (key("c", "p"), Tailored::new(stronger, value, &source));
        Parameters::of(entries.into_iter().map(one))
    })
}

macro_rules! laws {
    ($($name:ident: $strategy:expr),+ $(,)?) => {
        proptest! {
            $(
                #[test]
                fn $name(a in $strategy, b in $strategy, c in $strategy) {
                    prop_assert_eq!(a.clone().join(b.clone()), b.clone().join(a.clone()), "commutative");
                    prop_assert_eq!(
                        a.clone().join(b.clone()).join(c.clone()),
                        a.clone().join(b.clone().join(c)),
                        "associative"
                    );
                    prop_assert_eq!(a.clone().join(a.clone()), a.clone(), "idempotent");
                    prop_assert_eq!(a.clone().join(Default::default()), a.clone(), "neutral");
                    prop_assert_eq!(a.clone().join(a.clone().join(b.clone())), a.join(b), "absorbs: a <= a join b");
                }
            )+
        }
    };
}

laws! {
    most_is_a_semilattice: most(),
    least_is_a_semilattice: least(),
    allow_is_a_semilattice: allow(),
    allow_blocks_is_a_semilattice: allow_blocks(),
    deny_blocks_is_a_semilattice: deny_blocks(),
    parameters_are_a_semilattice: tailored(),
    mixed_parameters_are_a_semilattice: mixed(),
}

proptest! {
    #[test]
    fn a_join_is_never_weaker(
        (a, b) in (most(), most()), (q, r) in (least(), least()),
        (x, y) in (allow(), allow()), (m, n) in (allow_blocks(), allow_blocks()), probe in block(),
    ) {
        let joined = a.clone().join(b);
        prop_assert!(joined.value() >= a.value());

        let joined = q.clone().join(r);
        for (resource, amount, _) in q.iter() {
            prop_assert!(joined.get(resource).unwrap() <= amount);
        }

        let joined = x.clone().join(y);
        if x.is_constrained() {
            prop_assert!(joined.is_constrained());
            let held: Vec<_> = x.entries().collect();
            prop_assert!(joined.entries().all(|e| held.contains(&e)));
        }

        prop_assert!(m.allows(&probe) || !m.clone().join(n).allows(&probe));
    }
}

fn is_at_least_as_strong(stronger: Stronger, held: &Setting, asked: &Setting) -> bool {
    match (stronger, held, asked) {
        (Stronger::Fewer, Setting::List(held), Setting::List(asked)) => {
            held.is_subset(asked) || held == &BTreeSet::from([NOTHING.to_owned()])
        }
        (Stronger::More, Setting::List(held), Setting::List(asked)) => held.is_superset(asked),
        (Stronger::Lower | Stronger::False, held, asked) => held <= asked,
        (Stronger::Higher | Stronger::True, held, asked) => held >= asked,
        _ => false,
    }
}

proptest! {
    #[test]
    fn a_joined_parameter_is_never_weaker(a in tailored(), b in tailored()) {
        let joined = a.clone().join(b.clone());
        for (key, one) in a.iter().chain(b.iter()) {
            let held = joined.get(&key.control, &key.name).unwrap().value();
            let stronger = Stronger::parse(&key.name).unwrap();
            prop_assert!(is_at_least_as_strong(stronger, &held, &one.value()), "{key}: {held} {}", one.value());
            // Some controls do not apply while their list is empty.
            let asked_for_some = !matches!(one.value(), Setting::List(list) if list.is_empty());
            prop_assert!(!asked_for_some || !matches!(held, Setting::List(list) if list.is_empty()), "{key}");
        }
        prop_assert!(joined.iter().all(|(key, _)| a.get(&key.control, &key.name).is_some() || b.get(&key.control, &key.name).is_some()));
    }
}

#[test]
fn accepted_values_with_nothing_in_common_accept_nothing_and_conflict() {
    let of = |list: &[&str], name: &str| {
        let list = Setting::List(list.iter().map(ToString::to_string).collect());
        let one = Tailored::new(Stronger::Fewer, list, &Source::Baseline(name.into()));
        Parameters::of([(key("image-registry", "registries"), one)])
    };
    let joined = of(&["r.example"], "a").join(of(&["s.example"], "b"));
    let one = joined.get("image-registry", "registries").unwrap();
    assert_eq!(one.value().to_string(), NOTHING);
    assert_eq!(one.conflict().unwrap().len(), 2);
    let joined = of(&["r.example"], "a").join(of(&[], "b"));
    let one = joined.get("image-registry", "registries").unwrap();
    assert_eq!((one.value().to_string().as_str(), one.conflict()), (NOTHING, None));
    let joined = of(&[], "a").join(of(&[], "b"));
    assert_eq!(joined.get("image-registry", "registries").unwrap().value(), Setting::List(BTreeSet::new()));
}

#[test]
fn lists_with_nothing_in_common_conflict_but_an_empty_list_does_not() {
    let of = |v: Vec<u8>, name: &str| Allow::of(Some(v), &Source::Baseline(name.into()));
    let conflict = of(vec![1], "a").join(of(vec![2], "b"));
    let named: Vec<_> = conflict.conflict().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(named, ["SncBaseline/a", "SncBaseline/b"]);
    assert!(of(vec![1], "a").join(of(vec![], "b")).conflict().is_none());
    assert!(Allow::<u8>::default().join(of(vec![1], "a")).conflict().is_none());
}
