use super::*;
use crate::certificates::pair::{authority, leaf, read};

const TRUSTED_AFTER: SignedDuration = SignedDuration::from_mins(10);
const DAY: SignedDuration = SignedDuration::from_hours(24);

fn names() -> Vec<String> {
    vec!["snc-webhook.snc-system.svc".to_owned()]
}

fn start() -> Timestamp {
    "2026-11-22T12:00:00Z".parse().unwrap()
}

/// What the operator does with steps, without a cluster.
#[derive(Default)]
struct World {
    state: State,
    leaf: Option<Pair>,
    steps: Vec<Step>,
}

impl World {
    fn run(&mut self, now: Timestamp) {
        for _ in 0..10 {
            let step = step(&self.state, self.leaf.as_ref(), &names(), TRUSTED_AFTER, now);
            match &step {
                Step::Rest => return,
                Step::Succeed => {
                    self.state.authorities.push(Authority::new(authority(now).unwrap(), now));
                }
                Step::Sign(by) => {
                    let signer = self.state.authorities[*by].pair().unwrap();
                    self.leaf = Some(leaf(&signer, &names(), now).unwrap());
                    self.state.retire_before(*by, now);
                }
                Step::Forget(gone) => self.state.forget(gone),
            }
            self.steps.push(step);
        }
        panic!("no rest after ten steps: {:?}", self.steps);
    }

    fn is_trusted(&self, leaf: &Pair, now: Timestamp) -> bool {
        let served = read(&leaf.certificate).unwrap();
        let by = self.state.authorities.iter().filter_map(Authority::facts);
        served.holds(now) && by.filter(|by| by.holds(now)).any(|by| served.signed_by(&by))
    }
}

#[test]
fn for_ten_years_whatever_a_late_server_serves_is_trusted() {
    let mut world = World::default();
    // What was served when, and what was trusted.
    let mut late: Vec<(Timestamp, Pair)> = Vec::new();
    let mut known: Vec<(Timestamp, String)> = Vec::new();
    let (mut leaves, mut most) = (0, 0);
    let mut now = start();
    while now < start() + DAY * 3650 {
        world.run(now);
        let served = world.leaf.clone().unwrap();
        if late.last().is_none_or(|(_, last)| *last != served) {
            let by: Vec<&Authority> = world
                .state
                .authorities
                .iter()
                .filter(|by| read(&served.certificate).unwrap().signed_by(&by.facts().unwrap()))
                .collect();
            let since = known.iter().find(|(_, certificate)| *certificate == by[0].certificate);
            let waited = since.map_or(SignedDuration::ZERO, |(since, _)| now.duration_since(*since));
            assert!(leaves == 0 || waited >= TRUSTED_AFTER, "signed by what was known for {waited}");
            leaves += 1;
            late.push((now, served));
        }
        for authority in &world.state.authorities {
            if !known.iter().any(|(_, certificate)| *certificate == authority.certificate) {
                known.push((now, authority.certificate.clone()));
            }
        }
        // A server that follows a quarter of a day late still serves what is trusted.
        let of_then = late.iter().rev().find(|(at, _)| *at + DAY / 4 <= now);
        if let Some((_, leaf)) = of_then {
            assert!(world.is_trusted(leaf, now), "at {now}");
        }
        most = most.max(world.state.authorities.len());
        now += SignedDuration::from_hours(6);
    }
    assert!((40..=80).contains(&leaves), "{leaves} leaves");
    assert!((14..=17).contains(&known.len()), "{} authorities", known.len());
    assert_eq!(most, 2);
}

#[test]
fn a_new_authority_waits_before_it_signs() {
    let mut world = World::default();
    world.run(start());
    let mut now = start();
    while world.state.authorities.len() < 2 {
        now += DAY;
        world.run(now);
    }
    assert!(now < start() + pair::AUTHORITY_LIFE - AUTHORITY_LEFT + DAY * 2, "{now}");
    let first = world.state.authorities[0].facts().unwrap();
    let served = || read(&world.leaf.as_ref().unwrap().certificate).unwrap();
    assert!(served().signed_by(&first));
    now += SignedDuration::from_mins(9);
    world.run(now);
    assert!(read(&world.leaf.as_ref().unwrap().certificate).unwrap().signed_by(&first));
    now += SignedDuration::from_mins(2);
    world.run(now);
    assert!(!read(&world.leaf.as_ref().unwrap().certificate).unwrap().signed_by(&first));
    assert_eq!(world.state.authorities.len(), 2, "the old one stays trusted");
    world.run(now + DAY - SignedDuration::from_mins(1));
    assert_eq!(world.state.authorities.len(), 2);
    world.run(now + DAY);
    assert_eq!(world.state.authorities.len(), 1);
}

#[test]
fn a_leaf_that_is_no_good_is_replaced_at_once() {
    let mut world = World::default();
    world.run(start());
    let good = world.leaf.clone().unwrap();
    let other = leaf(&authority(start()).unwrap(), &names(), start()).unwrap();
    let renamed =
        leaf(&world.state.authorities[0].pair().unwrap(), &["elsewhere".to_owned()], start()).unwrap();
    let mixed = Pair { key: other.key.clone(), ..good.clone() };
    let garbage = Pair { certificate: "garbage".to_owned(), key: String::new() };
    for bad in [None, Some(other), Some(renamed), Some(mixed), Some(garbage)] {
        world.leaf.clone_from(&bad);
        assert_eq!(
            step(&world.state, bad.as_ref(), &names(), TRUSTED_AFTER, start()),
            Step::Sign(0),
            "{bad:?}"
        );
    }
    assert_eq!(step(&world.state, Some(&good), &names(), TRUSTED_AFTER, start()), Step::Rest);
    let expired = start() + pair::LEAF_LIFE + DAY;
    assert_eq!(step(&world.state, Some(&good), &names(), TRUSTED_AFTER, expired), Step::Sign(0));
}

#[test]
fn a_clock_that_goes_back_breaks_nothing() {
    let mut world = World::default();
    world.run(start());
    let before = world.leaf.clone();
    world.run(start() - SignedDuration::from_mins(5));
    assert_eq!(world.leaf, before);
}

#[test]
fn what_was_trusted_stays_so_when_the_state_is_lost() {
    let mut world = World::default();
    world.run(start());
    let old = world.leaf.clone().unwrap();
    let bundle = world.state.bundle();
    world.state = State::default();
    world.state.adopt(&bundle, start());
    world.state.adopt(&bundle, start());
    world.run(start());
    assert_eq!(world.state.authorities.len(), 2);
    assert!(world.is_trusted(&old, start()), "servers that have not followed yet");
    assert!(world.is_trusted(world.leaf.as_ref().unwrap(), start()));
    world.run(start() + DAY * 2);
    assert_eq!(world.state.authorities.len(), 1);
}

#[test]
fn an_authority_without_its_key_or_with_another_signs_nothing() {
    let mut world = World::default();
    world.run(start());
    for key in [None, Some(Key("garbage".to_owned())), Some(Key(authority(start()).unwrap().key))] {
        let mut state = world.state.clone();
        state.authorities[0].key = key;
        assert_eq!(step(&state, world.leaf.as_ref(), &names(), TRUSTED_AFTER, start()), Step::Succeed);
    }
}

#[test]
fn authorities_of_others_are_followed_and_stay_for_a_while() {
    let mut state = State::default();
    let (a, b) = (authority(start()).unwrap().certificate, authority(start()).unwrap().certificate);
    state.follow(&a, start());
    assert_eq!(state.bundle(), a);
    state.follow("garbage", start());
    assert_eq!(state.bundle(), a, "what cannot be read changes nothing");
    state.follow(&b, start());
    assert!(state.bundle().contains(&a) && state.bundle().contains(&b));
    state.follow(&b, start() + DAY - SignedDuration::from_mins(1));
    assert!(state.bundle().contains(&a));
    state.follow(&b, start() + DAY);
    assert_eq!(state.bundle(), b);
    // Back to the first.
    state.follow(&a, start() + DAY);
    state.follow(&a, start() + DAY * 3);
    assert_eq!(state.bundle(), a);
}

#[test]
fn the_state_is_written_and_read_without_loss() {
    let mut world = World::default();
    world.run(start());
    let text = serde_json::to_string(&world.state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), world.state);
    assert!(!format!("{:?}", world.state).contains("PRIVATE"));
}
