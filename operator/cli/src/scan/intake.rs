//! From pieces to objects, with the place of everything that cannot be read.

use super::pieces::Piece;
use crate::manifests::{Place, Unreadable, documents};
use serde_json::Value;
use snc_catalogue::{Gist, Object, Scales};
use snc_core::text::Text;

/// One object, and where it stands in its piece when that is a list.
pub struct Read {
    pub gist: Gist,
    pub item: Option<usize>,
}

/// What a piece holds.
#[derive(Default)]
pub struct Intake {
    pub objects: Vec<Read>,
    pub wrong: Vec<Unreadable>,
    /// Documents that do not claim to be Kubernetes objects.
    pub foreign: u64,
}

pub fn intake(file: &str, piece: &Piece, scales: &Scales<'_>) -> Intake {
    let mut intake = Intake::default();
    let of_list = piece.of_list.as_ref().map(|(version, kind)| (version.as_str(), kind.as_str()));
    if let Some(gist) = piece.json.then(|| scales.glance(&piece.text, of_list)).flatten() {
        intake.objects.push(Read { gist, item: None });
        return intake;
    }
    let value = if piece.json {
        serde_json::from_str(&piece.text).or_else(|_| documents::value(&piece.text, piece.lines))
    } else {
        documents::value(&piece.text, piece.lines)
    };
    let place = |line, field: String| Place { file: file.to_owned(), document: piece.document, line, field };
    match value {
        Err((line, what)) => intake.wrong.push(Unreadable { place: place(line, String::new()), what }),
        Ok(Value::Null) => {}
        Ok(mut value) => {
            if let (Some((version, kind)), Some(map)) = (of_list, value.as_object_mut()) {
                map.entry("apiVersion").or_insert_with(|| Value::from(version));
                map.entry("kind").or_insert_with(|| Value::from(kind));
            }
            let (line, _) = piece.first();
            intake.take(value, None, scales, &|field| place(line, field));
        }
    }
    intake
}

impl Intake {
    fn take(
        &mut self,
        mut value: Value,
        item: Option<usize>,
        scales: &Scales<'_>,
        place: &dyn Fn(String) -> Place,
    ) {
        let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let at = |field: &str| match item {
            Some(index) => format!("items[{index}].{field}"),
            None => field.to_owned(),
        };
        let mut refuse = |field: &str, fr: &str, en: &str| {
            self.wrong.push(Unreadable { place: place(at(field)), what: Text::new(fr, en) });
        };
        if version.is_empty() && kind.is_empty() && item.is_none() {
            self.foreign += 1;
        } else if version.is_empty() || kind.is_empty() {
            let lacking = if kind.is_empty() { "kind" } else { "apiVersion" };
            refuse(lacking, "absent, ou pas un texte", "absent, or not a text");
        } else if kind.ends_with("List") && value.get("items").is_some() && item.is_none() {
            let Some(Value::Array(items)) = value.get_mut("items").map(Value::take) else {
                return refuse("items", "une liste est attendue", "a list is expected");
            };
            let of = kind.strip_suffix("List").filter(|kind| !kind.is_empty());
            for (index, mut item) in items.into_iter().enumerate() {
                if let (Some(kind), Some(map)) = (of, item.as_object_mut()) {
                    map.entry("apiVersion").or_insert_with(|| Value::from(version.as_str()));
                    map.entry("kind").or_insert_with(|| Value::from(kind));
                }
                self.take(item, Some(index), scales, place);
            }
        } else if let Some(object) = Object::new(value) {
            self.objects.push(Read { gist: scales.gist(object), item });
        } else {
            refuse("metadata.name", "absent, ou pas un texte", "absent, or not a text");
        }
    }
}
