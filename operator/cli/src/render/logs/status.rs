use super::gaps::{cause, source};
use super::{or_none, time};
use crate::model::logs::status::StatusReport;
use crate::render::table::columns;
use crate::render::{Page, Screen};
use jiff::Timestamp;
use snc_api::v1alpha1::{AuditGap, AuditSourceKind, AuditSourceState, AuditStoreKind, SncAuditLogStatus};
use snc_core::lang::Lang;

pub fn table(report: &StatusReport, lang: Lang, screen: Screen) -> String {
    let status = &report.status;
    let mut page = Page { colors: screen.colors, ..Page::default() };
    let conditions: Vec<Vec<String>> = status
        .conditions
        .iter()
        .map(|one| vec![one.type_.clone(), one.status.clone(), one.reason.clone(), one.message.clone()])
        .collect();
    let heads = match lang {
        Lang::Fr => ["CONDITION", "ÉTAT", "RAISON", "MESSAGE"],
        Lang::En => ["CONDITION", "STATUS", "REASON", "MESSAGE"],
    };
    page.block(&columns(&heads, &conditions, screen.width));
    page.blank();
    page.block(&columns(&facts_heads(lang), &facts(status, lang), screen.width));
    if !status.sources.is_empty() {
        page.blank();
        let heads = match lang {
            Lang::Fr => ["SERVEUR", "SOURCE", "ÉTAT", "DERNIÈRE RÉCEPTION (UTC)"],
            Lang::En => ["SERVER", "SOURCE", "STATE", "LAST RECEIVED (UTC)"],
        };
        let row = |one: &snc_api::v1alpha1::AuditSource| {
            vec![
                one.server.clone(),
                kind(one.kind, lang).to_owned(),
                state(one.state, lang).to_owned(),
                time(one.last_received),
            ]
        };
        let rows: Vec<Vec<String>> = status.sources.iter().map(row).collect();
        page.block(&columns(&heads, &rows, screen.width));
    }
    let gaps = status.gaps.as_ref().map(|gaps| gaps.items.as_slice()).unwrap_or_default();
    if !gaps.is_empty() {
        page.blank();
        let heads = match lang {
            Lang::Fr => ["TROU", "SOURCE", "CAUSE", "DE (UTC)", "À (UTC)", "COMBLÉ (UTC)"],
            Lang::En => ["GAP", "SOURCE", "CAUSE", "FROM (UTC)", "TO (UTC)", "FILLED (UTC)"],
        };
        let rows: Vec<Vec<String>> = gaps.iter().map(|gap| of_gap(gap, lang)).collect();
        page.block(&columns(&heads, &rows, screen.width));
    }
    page.finish()
}

fn of_gap(gap: &AuditGap, lang: Lang) -> Vec<String> {
    vec![
        gap.server.clone(),
        kind(gap.source, lang).to_owned(),
        cause(&format!("{:?}", gap.cause), lang).to_owned(),
        time(Some(gap.from)),
        time(gap.to),
        time(gap.closed),
    ]
}

fn kind(kind: AuditSourceKind, lang: Lang) -> &'static str {
    match kind {
        AuditSourceKind::Webhook => source("Webhook", lang),
        AuditSourceKind::File => source("File", lang),
    }
}

const fn state(state: AuditSourceState, lang: Lang) -> &'static str {
    match state {
        AuditSourceState::Receiving => lang.str("reçoit", "receiving"),
        AuditSourceState::Silent => lang.str("muette", "silent"),
        AuditSourceState::Never => lang.str("jamais rien reçu", "never received"),
        AuditSourceState::Refusing => lang.str("refuse", "refusing"),
    }
}

const fn facts_heads(lang: Lang) -> [&'static str; 2] {
    match lang {
        Lang::Fr => ["QUOI", "ÉTAT"],
        Lang::En => ["WHAT", "STATE"],
    }
}

fn facts(status: &SncAuditLogStatus, lang: Lang) -> Vec<Vec<String>> {
    let rows = [
        (lang.str("Enregistrements", "Records"), records(status, lang)),
        (lang.str("Dépôt", "Store"), store(status, lang)),
        (lang.str("Scellement", "Seal"), seal(status, lang)),
        (lang.str("Ancre", "Anchor"), anchor(status, lang)),
        (lang.str("Sonde", "Probe"), probe(status, lang)),
        (lang.str("Trous", "Gaps"), gaps(status, lang)),
        (lang.str("Alarmes", "Alarms"), alarms(status, lang)),
        (lang.str("Politique d'audit", "Audit policy"), policy(status, lang)),
        (lang.str("Conservation", "Retention"), retention(status, lang)),
        (lang.str("Renvoi syslog", "Syslog forwarding"), forwarding(status, lang)),
    ];
    rows.map(|(what, state)| vec![what.to_owned(), or_none(&state)]).into()
}

fn records(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.records else { return String::new() };
    let (total, platform, tenants, unattributed) = (of.total, of.platform, of.tenants, of.unattributed);
    lang.pick(
        || format!("{total} : {platform} de la plateforme (dont {unattributed} non attribués), {tenants} de tenants"),
        || format!("{total}: {platform} of the platform ({unattributed} of them unattributed), {tenants} of tenants"),
    )
}

fn store(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.store else { return String::new() };
    let mut text = match of.kind {
        AuditStoreKind::Volume => lang.str("volume", "volume").to_owned(),
        AuditStoreKind::S3 => "S3".to_owned(),
    };
    text += ", ";
    text += &bytes(of.bytes, lang);
    text += if of.locked {
        lang.str(", verrouillé contre la suppression", ", locked against deletion")
    } else {
        lang.str(", non verrouillé", ", not locked")
    };
    if let Some(free) = of.free {
        let free = bytes(free, lang);
        text += &lang.pick(|| format!(", {free} libres"), || format!(", {free} free"));
    }
    if let Some(days) = of.forecast_days {
        text += &lang.pick(|| format!(", plein dans {days} j"), || format!(", full in {days} d"));
    }
    text
}

fn bytes(count: i64, lang: Lang) -> String {
    let units = lang.pick(|| ["o", "Kio", "Mio", "Gio", "Tio"], || ["B", "KiB", "MiB", "GiB", "TiB"]);
    let (mut tenths, mut unit) = (count.saturating_mul(10), 0);
    while tenths >= 10_240 && unit + 1 < units.len() {
        tenths /= 1_024;
        unit += 1;
    }
    if unit == 0 {
        return format!("{count} {}", units[0]);
    }
    let point = lang.str(",", ".");
    format!("{}{point}{} {}", tenths / 10, tenths % 10, units[unit])
}

fn seal(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.seal else { return lang.str("rien de scellé", "nothing sealed").to_owned() };
    let (head, at, key) = (of.head, time(Some(of.at)), &of.key_id);
    lang.pick(|| format!("relevé {head} du {at}, clé {key}"), || format!("head {head} of {at}, key {key}"))
}

fn anchor(status: &SncAuditLogStatus, lang: Lang) -> String {
    let of = status.seal.as_ref();
    match of.and_then(|of| of.anchored_at.map(|at| (at, of.anchor.clone().unwrap_or_default()))) {
        Some((at, place)) => format!("{} {place}", time(Some(at))).trim_end().to_owned(),
        None => lang
            .str("aucune : une fin coupée ne se verrait pas", "none: a cut end would not be seen")
            .to_owned(),
    }
}

fn probe(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.probe else { return String::new() };
    let at = time(Some(of.at));
    if !of.arrived {
        return lang.pick(|| format!("{at} : non revenue"), || format!("{at}: did not come back"));
    }
    let mut text = lang.pick(|| format!("{at} : revenue"), || format!("{at}: came back"));
    if let Some(delay) = of.delay_milliseconds {
        text += &lang.pick(|| format!(" en {delay} ms"), || format!(" in {delay} ms"));
    }
    if let Some(via) = of.via {
        let via = kind(via, lang);
        text += &lang.pick(|| format!(" par {via}"), || format!(" by {via}"));
    }
    if let Some(skew) = of.skew_milliseconds {
        text += &lang.pick(|| format!(", horloges à {skew} ms"), || format!(", clocks {skew} ms apart"));
    }
    text
}

fn gaps(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.gaps else { return String::new() };
    let (open, total) = (of.open, of.total);
    lang.pick(|| format!("{open} ouvert(s), {total} en tout"), || format!("{open} open, {total} in all"))
}

fn alarms(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.alarms else { return String::new() };
    let (open, overdue) = (of.open, of.overdue);
    let mut text = lang.pick(
        || format!("{open} ouverte(s), dont {overdue} en retard"),
        || format!("{open} open, {overdue} of them overdue"),
    );
    if let Some(at) = of.oldest_open {
        let at: String = time(Some::<Timestamp>(at));
        text += &lang.pick(|| format!(", la plus ancienne du {at}"), || format!(", the oldest of {at}"));
    }
    text
}

fn policy(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.policy else { return String::new() };
    match (of.complete, of.missing.as_slice()) {
        (true, _) => lang.str("rien d'obligatoire n'y manque", "nothing mandatory is missing").to_owned(),
        (false, []) => lang.str("pas encore connu", "not known yet").to_owned(),
        (false, missing) => {
            let missing = missing.join(", ");
            lang.pick(|| format!("il manque : {missing}"), || format!("missing: {missing}"))
        }
    }
}

fn retention(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.retention else { return String::new() };
    let day = lang.str("j", "d");
    let mut text = format!("{} {day}", of.days);
    if let Some(most) = of.maximum_days {
        text += &lang.pick(|| format!(", {most} {day} au plus"), || format!(", {most} {day} at most"));
    }
    let tenants: Vec<String> =
        of.tenants.iter().map(|one| format!("{} {} {day}", one.name, one.days)).collect();
    if !tenants.is_empty() {
        text.push_str(" ; ");
        text.push_str(&tenants.join(", "));
    }
    text
}

fn forwarding(status: &SncAuditLogStatus, lang: Lang) -> String {
    let Some(of) = &status.forwarding else { return lang.str("aucun", "none").to_owned() };
    let (at, seconds, records) = (time(of.at), of.lag_seconds.unwrap_or(0), of.lag_records.unwrap_or(0));
    lang.pick(
        || format!("{at}, en retard de {seconds} s et de {records} enregistrement(s)"),
        || format!("{at}, {seconds} s and {records} record(s) behind"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_one_decimal_at_most() {
        for (count, fr, en) in [
            (0, "0 o", "0 B"),
            (1023, "1023 o", "1023 B"),
            (1536, "1,5 Kio", "1.5 KiB"),
            (5 << 30, "5,0 Gio", "5.0 GiB"),
            (i64::MAX, "838860,7 Tio", "838860.7 TiB"),
        ] {
            assert_eq!((bytes(count, Lang::Fr).as_str(), bytes(count, Lang::En).as_str()), (fr, en));
        }
    }
}
