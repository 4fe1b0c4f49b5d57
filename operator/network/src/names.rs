/// Bounded list of names that decide an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Names {
    pub total: usize,
    pub first: Vec<String>,
}

const SHOWN: usize = 5;

impl Names {
    pub fn of<'a>(names: impl Iterator<Item = &'a str>) -> Option<Self> {
        let mut sorted: Vec<_> = names.collect();
        sorted.sort_unstable();
        let first = sorted.iter().take(SHOWN).map(|&n| n.to_owned()).collect();
        (!sorted.is_empty()).then_some(Self { total: sorted.len(), first })
    }
}

impl std::fmt::Display for Names {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.first.join(", "))?;
        if self.total > self.first.len() {
            write!(f, ", … ({})", self.total)?;
        }
        Ok(())
    }
}

/// The first few, in the order given, and how many there are.
pub fn some<T: AsRef<str>>(items: &[T]) -> String {
    let first = items.iter().take(SHOWN).map(|item| item.as_ref().to_owned()).collect();
    Names { total: items.len(), first }.to_string()
}
