/// Whether something matches, when not everything is known. The order makes `min` an "and" and `max` an "or".
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tri {
    No,
    Maybe,
    Yes,
}

impl Tri {
    pub const fn possible(self) -> bool {
        !matches!(self, Self::No)
    }

    pub const fn certain(self) -> bool {
        matches!(self, Self::Yes)
    }
}

impl From<bool> for Tri {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}
