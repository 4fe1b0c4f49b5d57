//! Where each entry of a round goes. It is on disk before the first of them is sealed: after a crash in the middle
//! nothing is decided anew, or an event could be in two partitions, or in none.

use serde::{Deserialize, Serialize};
use snc_audit::{Partition, Reason};

/// Where, and why there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    pub partition: Partition,
    pub reason: Reason,
    /// It would be a tenant's, whose partition is so damaged that nothing can come after what is there.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub diverted: bool,
}

impl Place {
    pub const fn new(partition: Partition, reason: Reason) -> Self {
        Self { partition, reason, diverted: false }
    }

    /// What the record says.
    pub const fn why(&self) -> &'static str {
        if self.diverted { "PartitionDamaged" } else { self.reason.as_str() }
    }
}

/// Entries from one position to another.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Plan {
    /// The first position of it.
    pub from: u64,
    places: Vec<Option<Place>>,
    /// Which place, and for how many positions in a row.
    runs: Vec<(u32, u32)>,
}

impl Plan {
    pub fn new(from: u64) -> Self {
        Self { from, places: Vec::new(), runs: Vec::new() }
    }

    pub fn through(&self) -> u64 {
        self.from + self.runs.iter().map(|(_, many)| u64::from(*many)).sum::<u64>() - 1
    }

    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// What lies between this and the position before is missing, and goes nowhere.
    pub fn put(&mut self, position: u64, place: Place) {
        let next = self.through() + 1;
        for _ in next..position {
            self.add(None);
        }
        self.add(Some(place));
    }

    fn add(&mut self, place: Option<Place>) {
        let known = self.places.iter().position(|known| *known == place);
        let nth = known.unwrap_or_else(|| {
            self.places.push(place);
            self.places.len() - 1
        });
        let nth = u32::try_from(nth).unwrap_or(u32::MAX);
        match self.runs.last_mut() {
            Some((last, many)) if *last == nth => *many += 1,
            _ => self.runs.push((nth, 1)),
        }
    }

    /// Every position with its place, in order.
    pub fn iter(&self) -> impl Iterator<Item = (u64, Option<&Place>)> {
        let places = self.runs.iter().flat_map(|(nth, many)| {
            let place = self.places.get(*nth as usize).and_then(Option::as_ref);
            std::iter::repeat_n(place, *many as usize)
        });
        (self.from..).zip(places)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn place(nth: u8) -> Place {
        match nth {
            1 => Place::new(Partition::Platform, Reason::Platform),
            nth => Place {
                diverted: nth == 4,
                ..Place::new(format!("tenant.t{nth}").parse().unwrap(), Reason::ObjectNamespace)
            },
        }
    }

    proptest! {
        #[test]
        fn what_was_put_is_there_after_a_restart(
            from in 1_u64..u64::MAX / 2,
            steps in proptest::collection::vec((1_u64..3, 1_u8..5), 1..80),
        ) {
            let (mut plan, mut position, mut put) = (Plan::new(from), from - 1, Vec::new());
            for (step, nth) in steps {
                position += step;
                plan.put(position, place(nth));
                put.push((position, place(nth)));
            }
            let plan: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
            prop_assert_eq!(plan.through(), position);
            let all: Vec<(u64, Option<Place>)> = plan.iter().map(|(at, place)| (at, place.cloned())).collect();
            prop_assert_eq!(all.len() as u64, position - from + 1);
            for one in &all {
                let wanted = put.iter().find(|(at, _)| *at == one.0).map(|(_, place)| place.clone());
                prop_assert_eq!(&one.1, &wanted);
            }
        }
    }
}
