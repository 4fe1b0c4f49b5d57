use super::*;
use crate::tier::Mode;
use proptest::prelude::*;

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

#[test]
fn lists_with_nothing_in_common_conflict_but_an_empty_list_does_not() {
    let of = |v: Vec<u8>, name: &str| Allow::of(Some(v), &Source::Baseline(name.into()));
    let conflict = of(vec![1], "a").join(of(vec![2], "b"));
    let named: Vec<_> = conflict.conflict().unwrap().iter().map(ToString::to_string).collect();
    assert_eq!(named, ["SncBaseline/a", "SncBaseline/b"]);
    assert!(of(vec![1], "a").join(of(vec![], "b")).conflict().is_none());
    assert!(Allow::<u8>::default().join(of(vec![1], "a")).conflict().is_none());
}
