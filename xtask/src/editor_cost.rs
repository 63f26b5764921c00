//! `cargo xtask editor-cost`: what the editor takes from the processor in a real window without a
//! screen, while the demo recording plays: closed, open, closed again. OpenGL in software paints
//! on the processor, too, so the row of the open window is more than a graphics card would leave.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use xtask::clap_host::Plugin;
use xtask::desktop::Desktop;
use xtask::display::Display;

use crate::screenshots::{singer, while_it_sings};
use crate::{bundle, packages, step};

/// The chore by which this program calls itself, on a display.
pub const MEASURE: &str = "measure-editor";

const WATCHED: Duration = Duration::from_secs(8);
const OPENINGS: usize = 9;
/// A window with text, knobs and meters has far more; a blank one has one or two.
const FEWEST_COLOURS: usize = 8;
/// Clock ticks of `/proc` in a second, on every Linux.
const TICKS_PER_S: f64 = 100.0;

pub fn run() -> Result<()> {
    let mut steps = step::Steps::new(3);
    steps.next("Looking for missing system packages");
    packages::ensure(packages::TEST)?;
    steps.next("Building the plugin");
    let products = bundle::build()?;
    steps.next("Measuring");
    let display = Display::open()?;
    let mut measure = Command::new(std::env::current_exe()?);
    measure.arg(MEASURE).arg(&products.clap);
    step::run(measure.envs(display.environment()))?;
    steps.done();
    Ok(())
}

/// Measures the plugin at `clap`, on this process's display.
pub fn measure(clap: &str) -> Result<()> {
    let desktop = Desktop::open().context("expected an X display, found none")?;
    while_it_sings(singer(Path::new(clap))?, |plugin| {
        println!("| editor       | of one core | threads |");
        println!("|--------------|-------------|---------|");
        watch("never opened", plugin)?;
        let mut times_ms = Vec::new();
        for round in 1..=OPENINGS {
            times_ms.push(open(plugin, &desktop)?);
            if round == OPENINGS {
                watch("open", plugin)?;
            }
            plugin.close_editor()?;
        }
        watch("closed again", plugin)?;
        let first_ms = times_ms[0];
        times_ms.sort_by(f64::total_cmp);
        println!(
            "\nfrom the host's call to a painted window: {first_ms:.0} ms the first time, \
             {:.0} ms in the middle of {OPENINGS}, {:.0} ms at most",
            times_ms[OPENINGS / 2],
            times_ms[OPENINGS - 1]
        );
        Ok(())
    })
}

/// Opens the editor; how long it took until it was painted, in milliseconds.
fn open(plugin: &mut Plugin, desktop: &Desktop) -> Result<f64> {
    let began = Instant::now();
    let mut parent = 0;
    plugin.open_editor(|size| {
        parent = desktop.window(0, size)?;
        Ok(parent)
    })?;
    loop {
        plugin.idle();
        let child = desktop.children(parent)?.first().copied();
        // An error may be a window that is just coming.
        let picture = child.and_then(|child| desktop.picture(child).ok());
        if picture.is_some_and(|picture| FEWEST_COLOURS <= picture.colours()) {
            return Ok(began.elapsed().as_secs_f64() * 1e3);
        }
        ensure!(
            began.elapsed() < Duration::from_secs(20),
            "the window is not painted"
        );
    }
}

fn watch(what: &str, plugin: &mut Plugin) -> Result<()> {
    let (began, ticks) = (Instant::now(), ticks()?);
    while began.elapsed() < WATCHED {
        plugin.idle();
        std::thread::sleep(Duration::from_millis(20));
    }
    let used_s = (self::ticks()? - ticks) as f64 / TICKS_PER_S;
    let share = 100.0 * used_s / began.elapsed().as_secs_f64();
    let threads = std::fs::read_dir("/proc/self/task")?.count();
    println!("| {what:12} | {share:9.1} % | {threads:7} |");
    Ok(())
}

/// The processor time this process has used, in clock ticks.
fn ticks() -> Result<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    // The name, in brackets, may hold anything; what follows it is numbers (proc(5)).
    let (_, numbers) = stat.rsplit_once(')').context("no process name")?;
    let fields: Vec<&str> = numbers.split_whitespace().collect();
    let field = |at: usize| -> Result<u64> { Ok(fields.get(at).context("too short")?.parse()?) };
    Ok(field(11)? + field(12)?)
}
