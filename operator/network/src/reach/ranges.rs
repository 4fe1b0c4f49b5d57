use std::borrow::Cow;

/// A point of a line on which ranges are closed at both ends.
pub trait Point: Copy + Ord + 'static {
    fn next(self) -> Option<Self>;
    fn previous(self) -> Option<Self>;
}

macro_rules! point {
    ($($integer:ty),*) => {$(
        impl Point for $integer {
            fn next(self) -> Option<Self> {
                self.checked_add(1)
            }
            fn previous(self) -> Option<Self> {
                self.checked_sub(1)
            }
        }
    )*};
}
point!(u32, u128);

/// Sorted, disjoint and never adjacent: equal sets are equal values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RangeSet<T: Point>(Cow<'static, [(T, T)]>);

impl<T: Point> Default for RangeSet<T> {
    fn default() -> Self {
        Self(Cow::Borrowed(&[]))
    }
}

impl<T: Point> RangeSet<T> {
    pub fn one(first: T, last: T) -> Self {
        if first <= last { Self(Cow::Owned(vec![(first, last)])) } else { Self::default() }
    }

    /// Costs nothing to copy, for sets that come again and again.
    pub const fn constant(ranges: &'static [(T, T)]) -> Self {
        Self(Cow::Borrowed(ranges))
    }

    pub fn ranges(&self) -> &[(T, T)] {
        &self.0
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, point: T) -> bool {
        let after = self.0.partition_point(|range| range.0 <= point);
        after > 0 && self.0[after - 1].1 >= point
    }

    pub fn union(&self, other: &Self) -> Self {
        if self.is_empty() {
            return other.clone();
        }
        if other.is_empty() {
            return self.clone();
        }
        self.0.iter().chain(other.0.iter()).copied().collect()
    }

    pub fn intersection(&self, other: &Self) -> Self {
        let (mut a, mut b) = (self.0.iter().peekable(), other.0.iter().peekable());
        let mut out = Vec::new();
        while let (Some(x), Some(y)) = (a.peek(), b.peek()) {
            let (first, last) = (x.0.max(y.0), x.1.min(y.1));
            if first <= last {
                out.push((first, last));
            }
            if x.1 < y.1 {
                a.next()
            } else {
                b.next()
            };
        }
        Self(Cow::Owned(out))
    }

    pub fn difference(&self, other: &Self) -> Self {
        let mut out = Vec::new();
        let mut holes = other.0.iter().peekable();
        for &(first, last) in self.0.iter() {
            let mut rest = Some(first);
            while let (Some(from), Some(&&(hole, end))) = (rest, holes.peek()) {
                if end < from {
                    holes.next();
                    continue;
                }
                if hole > last {
                    break;
                }
                if let Some(before) = hole.previous().filter(|before| hole > from && *before >= from) {
                    out.push((from, before));
                }
                rest = end.next().filter(|next| *next <= last);
            }
            if let Some(from) = rest {
                out.push((from, last));
            }
        }
        Self(Cow::Owned(out))
    }

    pub fn is_subset(&self, other: &Self) -> bool {
        self.0.iter().all(|&(first, last)| {
            let after = other.0.partition_point(|range| range.0 <= first);
            after > 0 && other.0[after - 1].1 >= last
        })
    }
}

impl<T: Point> FromIterator<(T, T)> for RangeSet<T> {
    fn from_iter<I: IntoIterator<Item = (T, T)>>(ranges: I) -> Self {
        let mut sorted: Vec<(T, T)> = ranges.into_iter().filter(|(first, last)| first <= last).collect();
        sorted.sort_unstable();
        let mut out: Vec<(T, T)> = Vec::with_capacity(sorted.len());
        for (first, last) in sorted {
            match out.last_mut() {
                Some(open) if open.1.next().is_none_or(|next| first <= next) => open.1 = open.1.max(last),
                _ => out.push((first, last)),
            }
        }
        Self(Cow::Owned(out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn set() -> impl Strategy<Value = RangeSet<u32>> {
        prop::collection::vec((0u32..40, 0u32..12), 0..5)
            .prop_map(|ranges| ranges.into_iter().map(|(first, more)| (first, first + more)).collect())
    }

    proptest! {
        #[test]
        fn operations_are_those_of_sets_and_results_are_normal(a in set(), b in set()) {
            for point in 0..60 {
                let (x, y) = (a.contains(point), b.contains(point));
                prop_assert_eq!(a.union(&b).contains(point), x || y);
                prop_assert_eq!(a.intersection(&b).contains(point), x && y);
                prop_assert_eq!(a.difference(&b).contains(point), x && !y);
            }
            prop_assert_eq!(a.is_subset(&b), a.difference(&b).is_empty());
            for result in [a.union(&b), a.intersection(&b), a.difference(&b)] {
                prop_assert_eq!(&result.ranges().iter().copied().collect::<RangeSet<_>>(), &result);
            }
        }
    }

    #[test]
    fn the_ends_of_the_line_do_not_overflow() {
        let all = RangeSet::one(0, u32::MAX);
        let ends: RangeSet<u32> = [(0, 0), (u32::MAX, u32::MAX)].into_iter().collect();
        assert_eq!(all.difference(&ends).ranges(), [(1, u32::MAX - 1)]);
        assert_eq!(all.difference(&all).ranges(), []);
        assert_eq!(ends.union(&all), all);
    }
}
