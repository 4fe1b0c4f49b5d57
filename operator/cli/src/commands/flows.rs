use super::{for_machines, told, undecided, unprintable};
use crate::args::{Args, Format};
use crate::cluster::{Cluster, Trouble};
use crate::model::flows::{FlowsReport, build, declared};
use crate::outcome::{Answer, Outcome};
use crate::render::{Screen, flows as render, markdown};
use jiff::Timestamp;
use snc_core::lang::Lang;
use snc_plan::matrix::Row;

pub async fn run(args: &Args, cluster: &Cluster) -> Result<Answer, Outcome> {
    let (lang, now, context) = (args.lang, Timestamp::now(), cluster.context.clone());
    let (report, reasons) = match Box::pin(cluster.snapshot()).await {
        Ok(mut snapshot) => {
            let report = build(context, &mut snapshot.index, &args.settings, &args.selection, now)
                .map_err(|not_there| Outcome::bad_input(not_there.message(lang)))?;
            (report, Vec::new())
        }
        // Without the platform's rights, a tenant's user still reads what its own namespaces declare.
        Err(troubles) if troubles.iter().all(Trouble::is_refusal) => {
            let index = cluster.own_policies(&args.selection).await.map_err(|mut more| {
                more.splice(0..0, troubles.iter().cloned());
                undecided(&more, args)
            })?;
            let reasons = told(&troubles, args);
            (declared(context, &index, &args.settings, now), reasons)
        }
        Err(troubles) => return Err(undecided(&troubles, args)),
    };
    let text = for_machines(args.format, &report)
        .unwrap_or_else(|| {
            Ok(match args.format {
                Format::Markdown => markdown::flows(&report, lang),
                _ => render::table(&report, lang, Screen::of_stdout()),
            })
        })
        .map_err(|error| unprintable(&error))?;
    Ok(Answer { text, outcome: outcome(&report, reasons, lang) })
}

pub fn outcome(report: &FlowsReport, mut reasons: Vec<String>, lang: Lang) -> Outcome {
    let findings = report.has_findings();
    let mut tell = |matches: &dyn Fn(&Row) -> bool, what: &str| {
        let rows: Vec<&Row> = report.flows.iter().filter(|row| matches(row)).collect();
        let names = rows.iter().take(10).map(|row| format!("{} {}/{}", row.namespace, row.policy, row.flow));
        if !rows.is_empty() {
            let more = if rows.len() > 10 { format!(", … ({})", rows.len()) } else { String::new() };
            reasons.push(format!("{what}{}{more}", names.collect::<Vec<_>>().join(", ")));
        }
    };
    tell(&|row| row.state == "refused", lang.str("flux refusés : ", "flows refused: "));
    tell(
        &|row| row.state != "refused" && !row.refusals.is_empty(),
        lang.str("flux refusés en partie : ", "flows refused in part: "),
    );
    tell(
        &|row| row.review_overdue,
        lang.str(
            "flux non revus depuis plus de douze mois : ",
            "flows not reviewed for more than twelve months: ",
        ),
    );
    if !report.complete {
        reasons.push(
            lang.str(
                "l'état de tous les flux n'a pas pu être décidé",
                "the state of all flows could not be decided",
            )
            .to_owned(),
        );
    }
    Outcome { bad_input: false, findings, undecided: !report.complete, reasons }
}
