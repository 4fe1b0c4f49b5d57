//! Alarms of the audit log, and who has answered for them.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value, json};
use snc_audit::Alarm;
use snc_audit::alarms::ANSWER_WITHIN;
use snc_core::lang::Lang;
use snc_core::text::Text;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AlarmsReport {
    pub open: usize,
    pub overdue: usize,
    /// Overdue ones first, then open ones by severity, then the latest.
    pub alarms: Vec<AlarmLine>,
}

/// As the sink said it, with what it left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(transparent)]
pub struct AlarmLine {
    said: Map<String, Value>,
    #[serde(skip)]
    pub alarm: Alarm,
    #[serde(skip)]
    pub message: Text,
    /// What to do about it, where that is known.
    #[serde(skip)]
    pub remedy: Option<Text>,
    #[serde(skip)]
    pub answer_by: Timestamp,
    #[serde(skip)]
    pub overdue: bool,
}

impl AlarmLine {
    /// The sink may know rules that this program does not.
    pub fn new(mut said: Map<String, Value>, now: Timestamp) -> Result<Self, serde_json::Error> {
        let mut alarm: Alarm = serde_json::from_value(Value::Object(said.clone()))?;
        // There is none that did not happen.
        alarm.count = alarm.count.max(1);
        let mut text = |name: &str, of: &dyn Fn(Lang) -> String| {
            let known = said.get(name).and_then(|value| serde_json::from_value(value.clone()).ok());
            let text = known.unwrap_or_else(|| Text::new(of(Lang::Fr), of(Lang::En)));
            said.insert(name.to_owned(), json!(text));
            text
        };
        text("title", &|lang| alarm.title(lang));
        let message = text("message", &|lang| alarm.message(lang));
        let told = said.get("remedy").and_then(|value| serde_json::from_value(value.clone()).ok());
        let remedy = told.or_else(|| alarm.rule().map(|rule| rule.remedy.clone()));
        let since = alarm.first.min(alarm.opened);
        let answer_by = since.checked_add(ANSWER_WITHIN).unwrap_or(Timestamp::MAX);
        let overdue = alarm.is_overdue(now) || said.get("overdue") == Some(&Value::Bool(true));
        said.insert("answerBy".to_owned(), json!(answer_by));
        said.insert("overdue".to_owned(), json!(overdue));
        Ok(Self { said, alarm, message, remedy, answer_by, overdue })
    }
}

impl AlarmsReport {
    pub fn new(mut alarms: Vec<AlarmLine>) -> Self {
        alarms.sort_by(|a, b| {
            let rank =
                |line: &AlarmLine| (line.overdue, line.alarm.is_open(), line.alarm.severity, line.alarm.last);
            rank(b).cmp(&rank(a)).then_with(|| a.alarm.id.cmp(&b.alarm.id))
        });
        let count = |matches: &dyn Fn(&AlarmLine) -> bool| alarms.iter().filter(|line| matches(line)).count();
        Self { open: count(&|line| line.alarm.is_open()), overdue: count(&|line| line.overdue), alarms }
    }
}
