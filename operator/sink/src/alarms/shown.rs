use jiff::Timestamp;
use serde_json::{Value, json};
use snc_audit::Alarm;
use snc_core::lang::Lang;
use snc_core::text::Text;

/// An alarm as people read it: all its figures, and in both languages what it is about and what is to be done.
pub fn shown(alarm: &Alarm, now: Timestamp) -> Value {
    let mut shown = serde_json::to_value(alarm).unwrap_or_default();
    let text = |of: &dyn Fn(Lang) -> String| Text::new(of(Lang::Fr), of(Lang::En));
    if let Some(members) = shown.as_object_mut() {
        members.insert("overdue".to_owned(), json!(alarm.is_overdue(now)));
        members.insert("title".to_owned(), json!(text(&|lang| alarm.title(lang))));
        members.insert("message".to_owned(), json!(text(&|lang| alarm.message(lang))));
        if let Some(rule) = alarm.rule() {
            members.insert("remedy".to_owned(), json!(rule.remedy));
            members.insert("requirements".to_owned(), json!(rule.requirements));
        }
    }
    shown
}
