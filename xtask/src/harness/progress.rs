//! One line about something long: a spinner on a terminal, a line at the start and one at the end elsewhere.

use indicatif::{ProgressBar, ProgressStyle};
use std::{
    io::{IsTerminal, stderr},
    time::{Duration, Instant},
};

pub struct Progress {
    label: String,
    started: Instant,
    bar: Option<ProgressBar>,
}

impl Progress {
    pub fn start(label: impl Into<String>, hint: &str) -> Self {
        let label = label.into();
        let message = if hint.is_empty() { label.clone() } else { format!("{label} ({hint})") };
        let bar = stderr().is_terminal().then(|| {
            let bar = ProgressBar::new_spinner().with_message(message.clone());
            if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
                bar.set_style(style);
            }
            bar.enable_steady_tick(Duration::from_millis(120));
            bar
        });
        if bar.is_none() {
            eprintln!("{message} ...");
        }
        Self { label, started: Instant::now(), bar }
    }

    pub fn done(mut self) {
        self.end("done");
    }

    fn end(&mut self, outcome: &str) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
        eprintln!("{}: {outcome} in {}", self.label, seconds(self.started.elapsed()));
        self.label.clear();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if !self.label.is_empty() {
            self.end("failed");
        }
    }
}

pub fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}
