//! What every host test needs: the bundle, an instance, block patterns, checks.

use xtask::clap_host::{Bundle, Plugin};
use xtask::measure::Random;
use xtask::paths::{self, Products};

/// The rate where a test does not care.
pub const RATE_HZ: f64 = 48_000.0;

/// Whether what a test needs may be missing.
pub fn required() -> bool {
    std::env::var_os("AUTOVOICE_REQUIRE_HOSTS").is_some()
}

/// Says that a test was not run, or fails where it must be.
pub fn skip(why: &str) {
    assert!(!required(), "{why}");
    eprintln!("SKIPPED, nothing was tested: {why}");
}

/// The bundle, or `None` after saying loudly why not.
pub fn bundle() -> Option<Bundle> {
    let products = Products::under(&paths::target().unwrap());
    if !products.clap.exists() {
        let place = products.clap.display();
        skip(&format!(
            "no plugin at {place}; build it with `cargo xtask bundle`"
        ));
        return None;
    }
    Some(Bundle::open(&products.clap).unwrap())
}

/// A new instance with one of the layouts.
pub fn instance(bundle: &Bundle, (inputs, outputs): (usize, usize)) -> Plugin {
    let mut plugin = bundle.instance().unwrap();
    plugin.select_channels(inputs, outputs).unwrap();
    assert_eq!(plugin.channels(), (inputs, outputs));
    plugin
}

/// Ends a test: nothing the format forbids may have happened.
pub fn assert_clean(plugin: &Plugin) {
    assert_eq!(plugin.violations(), Vec::<String>::new());
}

/// How a host cuts time into blocks.
#[derive(Clone, Copy, Debug)]
pub enum Blocks {
    /// All of one length.
    Of(usize),
    /// Any length from 1 to this one, by a seed.
    Random { longest: usize, seed: u64 },
}

impl Blocks {
    /// The patterns a plugin must not notice.
    pub const ALL: [Self; 10] = [
        Self::Of(1),
        Self::Of(16),
        Self::Of(31),
        Self::Of(64),
        Self::Of(127),
        Self::Of(480),
        Self::Of(512),
        Self::Of(4096),
        Self::Random {
            longest: 300,
            seed: 7,
        },
        Self::Random {
            longest: 4096,
            seed: 8,
        },
    ];

    /// The longest block.
    pub fn longest(self) -> usize {
        match self {
            Self::Of(frames) => frames,
            Self::Random { longest, .. } => longest,
        }
    }

    /// The lengths, one after another.
    pub fn lengths(self) -> impl FnMut() -> usize {
        let seed = match self {
            Self::Of(_) => 0,
            Self::Random { seed, .. } => seed,
        };
        let mut random = Random::new(seed);
        move || match self {
            Self::Of(frames) => frames,
            Self::Random { longest, .. } => random.next_in(1, longest),
        }
    }
}

/// Settings that make the voice another one, as a user would type them.
pub const ANOTHER_VOICE: [(&str, &str); 3] =
    [("pitch", "+4 st"), ("formant", "-2 st"), ("correct", "on")];

/// Types settings into an inactive instance.
pub fn set_all(plugin: &mut Plugin, settings: &[(&str, &str)]) {
    for (id, text) in settings {
        plugin.set(id, text).unwrap();
    }
}

/// One render of a whole signal by a fresh activation.
pub fn render_once(
    plugin: &mut Plugin,
    rate_hz: f64,
    blocks: Blocks,
    input: &[Vec<f32>],
) -> Vec<Vec<f32>> {
    let mut audio = plugin.activate(rate_hz, blocks.longest()).unwrap();
    let output = audio.render(input, blocks.lengths(), &[]).unwrap();
    plugin.deactivate(audio);
    output
}
