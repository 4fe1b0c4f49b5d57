//! What people are told over HTTPS, from the parts that know it.

use crate::alarms::{Ledger, Unanswered, shown};
use crate::cluster::{Answer, Silent, User};
use crate::gaps::Gaps;
use crate::intake::Intake;
use crate::keep::Stock;
use crate::own::{Saying, say};
use crate::serve::{Access, Acknowledged, AlarmState, House};
use crate::status::{GapItem, Status, gap_items};
use jiff::Timestamp;
use serde_json::Value;
use snc_audit::{Alarm, Partition};
use std::sync::Arc;
use tokio::sync::watch;

pub struct Parts {
    pub stock: Arc<Stock>,
    pub gaps: Arc<Gaps>,
    pub ledger: Arc<Ledger>,
    pub intake: Arc<Intake>,
    pub status: watch::Receiver<Option<Status>>,
}

fn is_in(alarm: &Alarm, state: AlarmState, now: Timestamp) -> bool {
    match state {
        AlarmState::Open => alarm.is_open(),
        AlarmState::Overdue => alarm.is_overdue(now),
        AlarmState::Acknowledged => !alarm.is_open(),
    }
}

impl House for Parts {
    fn sealed_through(&self, _: &Partition) -> Option<Timestamp> {
        // A round seals all partitions up to the same position.
        self.stock.sealed_through()
    }

    fn gaps(&self) -> Vec<GapItem> {
        gap_items(&self.gaps.list())
    }

    fn status(&self) -> Option<Status> {
        self.status.borrow().clone()
    }

    fn alarms(
        &self,
        state: Option<AlarmState>,
        partition: Option<&Partition>,
        from: Option<Timestamp>,
    ) -> Vec<Value> {
        let (all, now) = (self.ledger.all(), Timestamp::now());
        let wanted = all
            .iter()
            .filter(|alarm| state.is_none_or(|state| is_in(alarm, state, now)))
            .filter(|alarm| partition.is_none_or(|partition| alarm.partition == *partition))
            .filter(|alarm| from.is_none_or(|from| alarm.first >= from));
        wanted.map(|alarm| shown(alarm, now)).collect()
    }

    fn acknowledge<'a>(&'a self, id: &'a str, by: &'a User, decision: &'a str) -> Answer<'a, Acknowledged> {
        Box::pin(async move {
            let now = Timestamp::now();
            let Ok(number) = id.parse::<u64>() else { return Ok(Acknowledged::NoSuchAlarm) };
            match self.ledger.all().get(number) {
                None => return Ok(Acknowledged::NoSuchAlarm),
                Some(alarm) if !alarm.is_open() => return Ok(Acknowledged::Before(shown(alarm, now))),
                Some(_) => {}
            }
            match self.ledger.acknowledge(number, &by.name, decision, now).await {
                Ok(alarm) => Ok(Acknowledged::Now(shown(&alarm, now))),
                // Somebody else was faster.
                Err(Unanswered::Refused(refusal)) if refusal.path == "id" => Ok(self
                    .ledger
                    .all()
                    .get(number)
                    .map_or(Acknowledged::NoSuchAlarm, |alarm| Acknowledged::Before(shown(alarm, now)))),
                Err(Unanswered::Refused(refusal)) => Ok(Acknowledged::Refused(refusal)),
                Err(error) => Err(Silent(error.to_string())),
            }
        })
    }

    fn accessed<'a>(&'a self, access: &'a Access) -> Answer<'a, ()> {
        Box::pin(async move {
            let saying = Saying::of(access.event());
            say(&self.intake, &[saying]).await.map_err(|error| Silent(error.to_string()))
        })
    }
}
