//! How the images that run stand.

use prometheus::{IntGaugeVec, Opts};
use snc_catalogue::images::ImageTally;

pub struct Images {
    pub states: IntGaugeVec,
    pub vulnerabilities: IntGaugeVec,
    pub signatures: IntGaugeVec,
}

impl Images {
    pub fn new() -> prometheus::Result<Self> {
        let gauges = |name: &str, help: &str, label: &str| IntGaugeVec::new(Opts::new(name, help), &[label]);
        Ok(Self {
            states: gauges(
                "snc_images",
                "Images that run, by what scans say of them (the leader knows).",
                "state",
            )?,
            vulnerabilities: gauges(
                "snc_image_vulnerabilities",
                "Vulnerabilities to be mended in images that run, by how much of their time is gone (the leader knows).",
                "deadline",
            )?,
            signatures: gauges(
                "snc_image_signatures",
                "Images that run, by what their registry says of a signature by a declared key; none where no key is declared (the leader knows).",
                "state",
            )?,
        })
    }

    pub fn set(&self, tally: Option<&ImageTally>) {
        let tally = tally.copied().unwrap_or_default();
        let ImageTally { in_time, overdue, unknown, unscanned, open, past, half, late, .. } = tally;
        let ImageTally { signed, unsigned, unverified, .. } = tally;
        let set = |gauges: &IntGaugeVec, label: &str, count: u64| {
            gauges.with_label_values(&[label]).set(i64::try_from(count).unwrap_or(i64::MAX));
        };
        let scanned = unknown.saturating_sub(unscanned);
        for (state, count) in
            [("in_time", in_time), ("overdue", overdue), ("unknown", scanned), ("unscanned", unscanned)]
        {
            set(&self.states, state, count);
        }
        for (state, count) in [("signed", signed), ("unsigned", unsigned), ("unknown", unverified)] {
            set(&self.signatures, state, count);
        }
        let ahead = open.total().saturating_sub(past.total() + half + late);
        for (deadline, count) in
            [("ahead", ahead), ("half_gone", half), ("four_fifths_gone", late), ("past", past.total())]
        {
            set(&self.vulnerabilities, deadline, count);
        }
    }
}
