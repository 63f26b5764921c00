//! The parameters as hosts list, write and read them.

use xtask::clap_host::param_id;

use crate::support::{assert_clean, bundle, instance};

/// Every parameter, by the id that projects and presets hold. Frozen: only ever add.
pub const FROZEN: [&str; 34] = [
    "bypass",
    "mix",
    "input_db",
    "gate_db",
    "output_db",
    "limiter",
    "pitch",
    "formant",
    "range",
    "correct",
    "key",
    "scale",
    "custom_scale",
    "tuning_hz",
    "retune_ms",
    "amount",
    "humanize",
    "midi_mode",
    "slot",
    "dropout_mode",
    "report_latency",
    "tracker",
    "low_cut_hz",
    "high_cut_hz",
    "index_rate",
    "protect",
    "rms_mix",
    "speaker",
    "hold_pitch",
    "quality",
    "threads",
    "morph",
    "morph_x",
    "morph_y",
];

/// What moves the latency needs a restart, so no automation lane.
pub const NOT_AUTOMATABLE: [&str; 5] = ["range", "report_latency", "tracker", "quality", "threads"];

#[test]
fn the_list_is_the_frozen_one() {
    let Some(bundle) = bundle() else { return };
    assert_eq!(
        (bundle.name(), bundle.id().as_str()),
        ("AutoVoice", "org.autovoice.autovoice")
    );
    let mut plugin = instance(&bundle, (2, 2));
    let params = plugin.params();
    let mut found: Vec<u32> = params.iter().map(|param| param.id).collect();
    let mut frozen: Vec<u32> = FROZEN.iter().map(|id| param_id(id)).collect();
    found.sort_unstable();
    frozen.sort_unstable();
    assert_eq!(found, frozen);
    for id in FROZEN {
        let param = params
            .iter()
            .find(|param| param.id == param_id(id))
            .unwrap();
        assert_eq!(param.automatable, !NOT_AUTOMATABLE.contains(&id), "{id}");
        assert_eq!(param.bypass, id == "bypass", "{id}");
        assert!(!param.hidden && !param.name.is_empty(), "{id}: {param:?}");
        assert!(param.min < param.max, "{id}: {param:?}");
        assert_eq!(
            plugin.value(param.id).unwrap(),
            param.default,
            "{id} starts at its default"
        );
    }
    assert_clean(&plugin);
}

#[test]
fn text_survives_the_way_there_and_back() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    for (param, id) in by_id(plugin.params()) {
        let middle = (0.5 * (param.min + param.max)).floor();
        let middle = if param.stepped {
            middle
        } else {
            0.5 * (param.min + param.max)
        };
        for value in [param.min, param.default, middle, param.max] {
            let text = plugin.text(param.id, value).unwrap();
            assert!(!text.trim().is_empty(), "{id} has no text for {value}");
            let parsed = plugin.parse(param.id, &text).unwrap();
            let parsed = parsed.unwrap_or_else(|| panic!("{id} does not read its own {text:?}"));
            assert_eq!(
                plugin.text(param.id, parsed).unwrap(),
                text,
                "{id} at {value}"
            );
            if param.stepped {
                // Stepped values travel through 32-bit shares of the range.
                assert!(
                    (parsed - value).abs() < 1e-3,
                    "{id}: {text:?} is {parsed}, not {value}"
                );
            }
        }
    }
    assert_clean(&plugin);
}

#[test]
fn text_means_what_a_musician_reads() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    let table = [
        ("pitch", "+3 st 20 ct", "+3 st 20 ct"),
        ("pitch", "-5", "-5 st"),
        ("pitch", "3.2", "+3 st 20 ct"),
        ("formant", "-2 st", "-2 st"),
        ("key", "C#", "C#"),
        ("key", "C# minor", "C#"),
        ("range", "soprano", "Soprano"),
        ("tracker", "yin", "Yin"),
        ("correct", "ON", "on"),
        ("mix", "35 %", "35 %"),
        ("tuning_hz", "442 Hz", "442 Hz"),
        ("retune_ms", "30", "30 ms"),
        ("low_cut_hz", "120", "120 Hz"),
        ("high_cut_hz", "3.2 kHz", "3.2 kHz"),
        ("speaker", "7", "7"),
        ("quality", "studio", "Studio"),
        ("threads", "1", "1"),
        ("morph_x", "25 %", "25 %"),
    ];
    for (id, typed, shown) in table {
        plugin.set(id, typed).unwrap();
        let value = plugin.value(param_id(id)).unwrap();
        assert_eq!(
            plugin.text(param_id(id), value).unwrap(),
            shown,
            "{id} after {typed:?}"
        );
    }
    assert_clean(&plugin);
}

#[test]
fn nonsense_is_refused() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    for (param, id) in by_id(plugin.params()) {
        for nonsense in ["banana", "", "12 apples"] {
            let parsed = plugin.parse(param.id, nonsense).unwrap();
            assert_eq!(parsed, None, "{id} read {nonsense:?}");
        }
    }
    assert_clean(&plugin);
}

/// The parameters with their text ids.
pub fn by_id(
    params: Vec<xtask::clap_host::Param>,
) -> impl Iterator<Item = (xtask::clap_host::Param, &'static str)> {
    params.into_iter().map(|param| {
        let id = FROZEN.into_iter().find(|id| param_id(id) == param.id);
        (param, id.expect("the list is the frozen one"))
    })
}
