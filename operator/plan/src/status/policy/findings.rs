//! What is worth reading of the network, the fields and the flows.

use crate::namespace::Report;
use crate::validate::is_unsafe_port;
use jiff::{Timestamp, ToSpan};
use snc_api::v1alpha1::SncPolicySpec;
use snc_core::condition::reason;
use snc_core::flow::PortRange;
use snc_core::lang::Lang;
use snc_core::text::Text;

/// Everything worth reading, worst first.
pub(super) fn findings(
    name: &str,
    spec: &SncPolicySpec,
    report: &Report,
    lang: Lang,
    now: Timestamp,
) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    if let Some(gap) = &report.gap {
        let text = Text::new(
            format!(
                "{} : des pods ont tourné sans isolation du {} au {}",
                reason::ADOPTED_WITH_GAP,
                gap.from,
                gap.to
            ),
            format!(
                "{}: pods ran without isolation from {} to {}",
                reason::ADOPTED_WITH_GAP,
                gap.from,
                gap.to
            ),
        );
        all.push(text.get(lang).to_owned());
    }
    all.extend(report.network.findings.iter().map(|text| text.get(lang).to_owned()));
    all.extend(
        refusals(name, report).iter().map(|r| format!("{}: {}", reason::FIELDS_REFUSED, r.message(lang))),
    );
    for retained in &report.effective.retained {
        let text = match &retained.error {
            None => lang.pick(
                || {
                    format!("{}: {} n'existe plus ou ne vise plus ce tenant, sa dernière version reste en vigueur", reason::RETAINED, retained.object)
                },
                || {
                    format!("{}: {} is gone or no longer meant for this tenant, its last version stays in force", reason::RETAINED, retained.object)
                },
            ),
            Some(error) => format!("{}: {}: {error}", reason::UNREADABLE, retained.object),
        };
        all.push(text);
    }
    for (object, refusals) in &report.effective.refusals {
        if object.starts_with("SncBaseline/") {
            all.extend(refusals.iter().map(|r| format!("{object}: {}", r.message(lang))));
        }
    }
    for flow in spec.network.iter().flat_map(|n| &n.flows) {
        let unsafe_port = flow
            .ports
            .iter()
            .filter_map(|p| PortRange::new(p.protocol, p.port.into(), p.end_port.map(Into::into)))
            .find(|range| is_unsafe_port(*range));
        if let (Some(port), None) = (unsafe_port, &flow.compensating_measure) {
            all.push(lang.pick(
                || format!("UnsafeProtocol: flux {} ({port}) sans compensatingMeasure", flow.name),
                || format!("UnsafeProtocol: flow {} ({port}) without compensatingMeasure", flow.name),
            ));
        }
        if let Some(given) =
            flow.reviewed_on.as_deref().filter(|date| date.parse::<jiff::civil::Date>().is_err())
        {
            all.push(lang.pick(
                || format!("ReviewOverdue: flux {}, reviewedOn {given:?} n'est pas une date", flow.name),
                || format!("ReviewOverdue: flow {}, reviewedOn {given:?} is not a date", flow.name),
            ));
        }
        if let Some(date) = overdue(flow.reviewed_on.as_deref(), now) {
            all.push(lang.pick(
                || {
                    format!(
                        "ReviewOverdue: flux {} revu pour la dernière fois le {date}, plus de 12 mois",
                        flow.name
                    )
                },
                || {
                    format!(
                        "ReviewOverdue: flow {} last reviewed on {date}, more than 12 months ago",
                        flow.name
                    )
                },
            ));
        }
    }
    all
}

/// The date of a review older than twelve months (requirement 13.1.b).
pub fn overdue(reviewed_on: Option<&str>, now: Timestamp) -> Option<jiff::civil::Date> {
    let date: jiff::civil::Date = reviewed_on?.parse().ok()?;
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    let due = date.checked_add(12.months()).ok()?;
    (due < today).then_some(date)
}

pub(super) fn refusals<'a>(name: &str, report: &'a Report) -> Vec<&'a snc_core::text::Refusal> {
    let of_fields = report.effective.refusals.get(name).into_iter().flatten();
    let of_flows = report.flows.get(name).into_iter().flat_map(|f| &f.refusals);
    of_fields.chain(of_flows).collect()
}
