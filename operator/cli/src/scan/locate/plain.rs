//! Places in JSON that YAML reads the same way, found without reading all of it again as YAML.

use snc_core::skim::Skim;
use std::collections::BTreeSet;

/// YAML looks no further for the colon after a key.
const LONGEST_KEY: usize = 1000;

/// A text of which every place is known to be YAML's, too.
pub struct Plain<'t>(&'t str);

impl<'t> Plain<'t> {
    /// None where anything is unusual, or where YAML might read it otherwise or not at all.
    pub fn of(text: &'t str) -> Option<Self> {
        let printable = text.bytes().all(|byte| byte == b'\n' || (b' '..=b'~').contains(&byte));
        if !printable || text.contains(" :") || text.contains("\n:") {
            return None;
        }
        let mut skim = Skim::new(text);
        check(&mut skim)?;
        skim.ends()?;
        Some(Self(text))
    }

    /// The value below these steps, from the item with that index of a list on, or what is nearest around it: lines before it, and columns before it on its line.
    pub fn place(&self, item: Option<usize>, steps: &[String]) -> Option<(u64, u64)> {
        let mut value = Skim::new(self.0).value()?;
        if let Some(found) = item.and_then(|index| items(member(value, "items")?)?.get(index).copied()) {
            value = found;
        }
        for step in steps {
            let Some(found) = below(value, step) else { break };
            value = found;
        }
        let before = self.0.get(..(value.as_ptr() as usize).checked_sub(self.0.as_ptr() as usize)?)?;
        let columns = before.bytes().rev().take_while(|byte| *byte != b'\n').count();
        let lines = before.bytes().filter(|byte| *byte == b'\n').count();
        Some((lines as u64, columns as u64))
    }
}

/// YAML refuses what has a key twice, and merges one that is called so.
fn check(skim: &mut Skim<'_>) -> Option<()> {
    match skim.begins()? {
        b'{' => {
            let mut keys = BTreeSet::new();
            let read = skim.object(|key, skim| {
                (keys.insert(key) && key != "<<" && key.len() <= LONGEST_KEY).then_some(())?;
                check(skim)
            });
            read.map(drop)
        }
        b'[' => skim.list(check),
        _ => skim.value().map(drop),
    }
}

/// Items of a list are found by their name, or else by their number.
fn below<'t>(value: &'t str, step: &str) -> Option<&'t str> {
    if value.starts_with('{') {
        return member(value, step);
    }
    let items = items(value)?;
    let is_named = |item: &&&str| member(item, "name").is_some_and(|name| is_text(name, step));
    items.iter().find(is_named).or_else(|| items.get(step.parse::<usize>().ok()?)).copied()
}

fn items(value: &str) -> Option<Vec<&str>> {
    let mut items = Vec::new();
    Skim::new(value).list(|skim| {
        items.push(skim.value()?);
        Some(())
    })?;
    Some(items)
}

fn member<'t>(value: &'t str, name: &str) -> Option<&'t str> {
    let mut found = None;
    Skim::new(value).object(|key, skim| {
        let value = skim.value()?;
        if key == name {
            found = Some(value);
        }
        Some(())
    })?;
    found
}

fn is_text(value: &str, text: &str) -> bool {
    serde_json::from_str::<String>(value).is_ok_and(|found| found == text)
}
