//! A page about a finished training: what it learnt from, and how the losses fell. One file of
//! HTML that loads nothing.

use std::fmt::Write as _;

use super::steps::Losses;

/// Size of a picture, and the points of a curve at most.
const WIDTH: f64 = 640.0;
const HEIGHT: f64 = 160.0;
const POINTS: usize = 200;

/// What each loss is called on the page.
const TITLES: [&str; 5] = [
    "Error of the envelope in dB",
    "Error of the share of noise",
    "Cross-entropy of phones in nats",
    "Size of the content in nats",
    "Critic: 0 where made is always told from real, 2 where never",
];

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:44em;margin:2em auto;\
padding:0 1em;color:#222;background:#fff}table{border-collapse:collapse}td{padding:.1em 1em .1em 0}\
svg{width:100%;height:auto}polyline{fill:none;stroke:#2563a8;stroke-width:1.5}\
path{stroke:#ddd}text{font-size:11px;fill:#666}\
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1a1a1a}path{stroke:#444}\
polyline{stroke:#7db3e8}}";

/// The page: a title, facts in pairs, notes, and the curves of each stage that has any steps.
pub fn page(
    title: &str,
    facts: &[(&str, String)],
    notes: &[String],
    stages: &[(&str, &[Losses])],
) -> String {
    let title = escaped(title);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n\
         <title>{title}</title>\n<style>{STYLE}</style>\n<h1>{title}</h1>\n<table>\n"
    );
    for (name, value) in facts {
        let _ = writeln!(html, "<tr><td>{}<td>{}", escaped(name), escaped(value));
    }
    html.push_str("</table>\n");
    for note in notes {
        let _ = writeln!(html, "<p>{}", escaped(note));
    }
    for (name, history) in stages {
        if history.is_empty() {
            continue;
        }
        let _ = writeln!(html, "<h2>{}: {} steps</h2>", escaped(name), history.len());
        for (n, title) in TITLES.iter().enumerate() {
            let values: Vec<f64> = history.iter().map(|losses| losses.all()[n]).collect();
            if values.iter().any(|x| *x != 0.0) {
                let _ = writeln!(html, "<h3>{title}</h3>\n{}", curve(&values));
            }
        }
    }
    html
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

/// A picture of values over steps: means of as many stretches as there are points.
fn curve(values: &[f64]) -> String {
    let stretch = values.len().div_ceil(POINTS).max(1);
    let means = values
        .chunks(stretch)
        .map(|x| x.iter().sum::<f64>() / x.len() as f64);
    let means: Vec<f64> = means.map(|x| if x.is_finite() { x } else { 0.0 }).collect();
    let low = means.iter().copied().fold(f64::INFINITY, f64::min);
    let high = means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let span = (high - low).max(1e-9);
    let mut points = String::new();
    for (n, mean) in means.iter().enumerate() {
        let x = WIDTH * n as f64 / (means.len() - 1).max(1) as f64;
        let y = HEIGHT * (1.0 - (mean - low) / span);
        let _ = write!(points, "{x:.1},{y:.1} ");
    }
    let last = means.last().copied().unwrap_or(0.0);
    format!(
        "<svg viewBox=\"-45 -8 {:.0} {:.0}\" role=\"img\">\
         <path d=\"M0 0V{HEIGHT:.0}H{WIDTH:.0}\" fill=\"none\"/>\
         <text x=\"-4\" y=\"6\" text-anchor=\"end\">{high:.3}</text>\
         <text x=\"-4\" y=\"{HEIGHT:.0}\" text-anchor=\"end\">{low:.3}</text>\
         <text x=\"{WIDTH:.0}\" y=\"{:.0}\" text-anchor=\"end\">step {}, at last {last:.3}</text>\
         <polyline points=\"{}\"/></svg>",
        WIDTH + 55.0,
        HEIGHT + 30.0,
        HEIGHT + 14.0,
        values.len(),
        points.trim_end()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_has_facts_notes_and_a_curve_for_each_loss_there_is() {
        let history: Vec<Losses> = (0..1_000)
            .map(|n| Losses {
                envelope_db: 10.0 - 0.005 * f64::from(n),
                noise: f64::NAN,
                ..Losses::default()
            })
            .collect();
        let facts = [("Speech", "3 minutes".to_owned())];
        let notes = ["a <b> & c".to_owned()];
        let html = page(
            "Voice <x>",
            &facts,
            &notes,
            &[("one", &history), ("none", &[])],
        );
        for part in [
            "<title>Voice &lt;x&gt;</title>",
            "<td>3 minutes",
            "<p>a &lt;b&gt; &amp; c",
            "one: 1000 steps",
            "step 1000, at last 5.015",
        ] {
            assert!(html.contains(part), "{part}");
        }
        assert!(!html.contains("none: ") && !html.contains("NaN") && !html.contains("http"));
        assert_eq!(html.matches("<polyline").count(), 2);
        let points = html
            .split("points=\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap();
        assert_eq!(points.split(' ').count(), POINTS);
        assert!(points.starts_with("0.0,0.0 ") && points.ends_with("640.0,160.0"));
    }
}
