//! The time table of `cargo xtask test`.

use std::{fmt::Write as _, time::Duration};

#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) stage: &'static str,
    pub(super) ok: bool,
    pub(super) duration: Duration,
}

pub(super) fn render(rows: &[Row]) -> String {
    let mut text = format!("{:10} {:8} {:>9}\n", "stage", "result", "time");
    for row in rows {
        let result = if row.ok { "ok" } else { "FAILED" };
        let _ = writeln!(text, "{:10} {result:8} {:>9}", row.stage, minutes(row.duration));
    }
    let total = rows.iter().map(|row| row.duration).sum();
    let _ = writeln!(text, "{:10} {:8} {:>9}", "total", "", minutes(total));
    text
}

fn minutes(duration: Duration) -> String {
    let tenths = duration.as_millis() / 100;
    let (minutes, tenths) = (tenths / 600, tenths % 600);
    format!("{minutes}:{:02}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_lines_up() {
        let row = |stage, ok, millis| Row { stage, ok, duration: Duration::from_millis(millis) };
        let rows = [row("fmt", true, 1_240), row("clippy", false, 61_960), row("e2e", true, 3_600_000)];
        let expected = "\
stage      result        time
fmt        ok          0:01.2
clippy     FAILED      1:01.9
e2e        ok         60:00.0
total                 61:03.2
";
        assert_eq!(render(&rows), expected);
    }
}
