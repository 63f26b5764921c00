//! Voices of our own that are morphed: each alone at its corner, the mean of their spectra between
//! them, and no clicks on the way.
#![allow(clippy::unwrap_used, reason = "a test fails where it unwraps")]

mod ddsp_nets;

use autovoice::engine::ddsp::{Company, DdspEngine};
use autovoice::engine::morph::CORNERS;
use autovoice::engine::{Controls, Engine, Morph};
use autovoice::model::ddsp::grid::hz;
use ddsp_nets::{AtCorner, Says, among, sung, tone_db};

const RATE: usize = 48_000;
const HOP: usize = 480;

/// What comes out where the pad is so at each hop.
fn run(engine: &mut DdspEngine, input: &[f32], morph: impl Fn(usize) -> Morph) -> Vec<f32> {
    let mut output = Vec::new();
    for (n, input) in input.chunks_exact(HOP).enumerate() {
        let mut controls = Controls::default();
        controls.voice.morph = morph(n);
        let mut y = [f32::NAN; HOP];
        engine.step(&[input], &mut [&mut y], &controls).unwrap();
        output.extend(y);
    }
    assert!(output.iter().all(|x| x.is_finite()));
    output
}

const OFF: Morph = Morph::DEFAULT;

fn at(x: f32, y: f32) -> Morph {
    Morph { on: true, x, y }
}

fn at_corner(corner: usize) -> Morph {
    let (x, y) = Morph::PLACES[corner];
    at(x, y)
}

/// Four voices of unlike sizes and bandwidths that hear alike: the weights of the first hear.
fn four() -> [Option<AtCorner>; CORNERS] {
    [
        Some(AtCorner::seeded(1, &[1, 2], 20_000.0)),
        Some(AtCorner::seeded(2, &[1, 2, 4, 8], 7_000.0)),
        Some(AtCorner::seeded(3, &[1], 23_000.0)),
        Some(AtCorner::seeded(4, &[2, 2, 2], 16_000.0)),
    ]
}

#[test]
fn each_voice_is_alone_at_its_corner_whoever_has_the_engine() {
    let input = sung(0.8, |t| 180.0 + 90.0 * t);
    let alone: Vec<Vec<f32>> = (0..CORNERS)
        .map(|corner| run(&mut among(corner, &four()), &input, |_| OFF))
        .collect();
    assert!(alone[0] != alone[1] && alone[2] != alone[3]);
    for own in [0, 2] {
        let mut engine = among(own, &four());
        for (corner, alone) in alone.iter().enumerate() {
            engine.reset();
            let got = run(&mut engine, &input, |_| at_corner(corner));
            assert!(&got == alone, "corner {corner} in the engine of {own}");
        }
        engine.reset();
        let middle = run(&mut engine, &input, |_| at(0.5, 0.5));
        assert!(!alone.contains(&middle), "between them is somebody else");
    }
}

const SOFT: Says = Says {
    ln_power: |band| -16.0 - 4.0 * (hz(band as f32) / 700.0).ln().abs().min(1.0),
    noise: -30.0,
    follows: false,
};
const LOUD: Says = Says {
    ln_power: |band| -11.0 - 4.0 * (hz(band as f32) / 2_600.0).ln().abs().min(1.0),
    ..SOFT
};

#[test]
fn between_two_voices_spectra_are_their_mean_in_decibels() {
    let corners = || {
        let [soft, loud] = [SOFT, LOUD].map(|says| Some(AtCorner::by_hand(says)));
        [soft, None, None, loud]
    };
    let input = sung(1.2, |_| 200.0);
    let spectrum = |morph: Morph| -> Vec<f64> {
        let y = run(&mut among(0, &corners()), &input, |_| morph);
        let window = &y[RATE / 2..RATE];
        (1..=40)
            .map(|k| tone_db(window, 200.0 * f64::from(k)))
            .collect()
    };
    let [soft, loud] = [0, 3].map(|corner| spectrum(at_corner(corner)));
    assert!((spectrum(OFF)[4] - soft[4]).abs() < 1e-9);
    for (x, y, share) in [(0.5, 0.5, 0.5), (0.75, 0.25, 0.9), (0.25, 0.75, 0.1)] {
        for (k, got) in spectrum(at(x, y)).into_iter().enumerate() {
            let want = soft[k] + share * (loud[k] - soft[k]);
            assert!(
                (got - want).abs() < 0.05,
                "{x} {y}, harmonic {}: {got}, {want}",
                k + 1
            );
        }
    }
}

#[test]
fn the_share_of_noise_is_blended_too() {
    let corners = |other: f32| {
        let says = [-4.0, other].map(|noise| Some(AtCorner::by_hand(Says { noise, ..SOFT })));
        let [own, other] = says;
        [own, other, None, None]
    };
    let input = sung(1.2, |_| 200.0);
    let level = |other: f32, morph: Morph| {
        let y = run(&mut among(0, &corners(other)), &input, |_| morph);
        // A mean over harmonics, for the noise between them is in each.
        let tones = (1..=40).map(|k| tone_db(&y[RATE / 2..RATE], 200.0 * f64::from(k)));
        tones.sum::<f64>() / 40.0
    };
    // A logit of 0 leaves half of the power to the harmonics, and so does the mean of -4 and 4.
    let pure = level(-4.0, OFF);
    let half = level(4.0, at(0.5, 0.5));
    assert!((half - pure + 2.93).abs() < 0.4, "{half} for {pure}");
}

#[test]
fn the_bandwidth_is_a_mean_of_octaves_and_nobody_is_asked_beyond_its_own() {
    let voice = |level: fn(usize) -> f32, bandwidth_hz| {
        let says = Says {
            ln_power: level,
            ..SOFT
        };
        Some(AtCorner {
            bandwidth_hz,
            ..AtCorner::by_hand(says)
        })
    };
    // What the first says above 4 kHz nobody has ever heard.
    let corners = [
        voice(
            |band| {
                if hz(band as f32) < 4_000.0 {
                    -14.0
                } else {
                    4.0
                }
            },
            4_000.0,
        ),
        voice(|_| -14.0, 16_000.0),
        None,
        None,
    ];
    let y = run(&mut among(0, &corners), &sung(1.2, |_| 200.0), |_| {
        at(0.5, 0.5)
    });
    let window = &y[RATE / 2..RATE];
    let low = tone_db(window, 1_000.0);
    for hz in [3_800.0, 4_600.0, 7_000.0] {
        let db = tone_db(window, hz);
        assert!((db - low).abs() < 1.5, "{hz} Hz: {db} dB for {low} dB");
    }
    for hz in [8_200.0, 12_000.0] {
        let db = tone_db(window, hz);
        assert!(db < low - 60.0, "{hz} Hz: {db} dB");
    }
}

#[test]
fn a_jump_of_the_point_does_not_click() {
    // Nothing above 3 kHz but what a click would bring.
    let dark = |level: fn(usize) -> f32| {
        Some(AtCorner::by_hand(Says {
            ln_power: level,
            ..SOFT
        }))
    };
    let corners = [
        dark(|band| {
            if hz(band as f32) < 2_000.0 {
                -14.0
            } else {
                -40.0
            }
        }),
        dark(|band| {
            if hz(band as f32) < 1_000.0 {
                -9.0
            } else {
                -40.0
            }
        }),
        None,
        None,
    ];
    let input = sung(3.0, |_| 200.0);
    for (name, before, after) in [
        ("jump", at_corner(0), at_corner(1)),
        ("on", OFF, at_corner(1)),
        ("off", at_corner(1), OFF),
    ] {
        let y = run(&mut among(0, &corners), &input, |n| {
            if n < 100 { before } else { after }
        });
        // Around where it takes effect, between two harmonics.
        let worst = (0..20).fold(f64::MIN, |worst, step| {
            let from = RATE + step * HOP / 4 - HOP;
            worst.max(tone_db(&y[from..from + 2 * HOP], 9_900.0))
        });
        let loud = tone_db(&y[RATE..RATE + RATE / 2], 200.0);
        assert!(worst < loud - 70.0, "{name}: {worst} dB for {loud} dB");
        // It gets there, and exactly so when phases have followed.
        let other = run(&mut among(0, &corners), &input, |_| after);
        let late = 5 * RATE / 2..3 * RATE;
        let apart = y[late.clone()].iter().zip(&other[late]);
        let apart = apart.fold(0.0f32, |most, (a, b)| most.max((a - b).abs()));
        assert!(apart < 1e-4, "{name}: {apart}");
    }
}

#[test]
fn one_that_slept_goes_on_as_if_it_had_always_listened() {
    let corners = || {
        // It remembers no more than it hears again within a frame.
        let [a, ..] = four();
        [
            a,
            Some(AtCorner::seeded(2, &[1, 2, 4], 7_000.0)),
            None,
            None,
        ]
    };
    let input = sung(1.0, |t| 150.0 + 200.0 * t);
    let after = |before: Morph| {
        run(&mut among(0, &corners()), &input, |n| {
            if n < 60 { before } else { at_corner(1) }
        })
    };
    let (slept, listened) = (after(OFF), after(at_corner(0)));
    let most = listened.iter().fold(0.0f32, |most, y| most.max(y.abs()));
    for (n, (a, b)) in slept.iter().zip(&listened).enumerate() {
        assert!((a - b).abs() < 1e-4 * most, "sample {n}: {a}, {b}");
    }
}

#[test]
fn a_voice_that_gives_no_numbers_is_left_out() {
    let nothing = Says {
        ln_power: |_| f32::NAN,
        ..SOFT
    };
    let [own, other] = [SOFT, nothing].map(|says| Some(AtCorner::by_hand(says)));
    let mut engine = among(0, &[own, other, None, None]);
    let input = sung(0.8, |_| 200.0);
    let alone = run(&mut engine, &input, |_| OFF);
    for point in [at(0.5, 0.5), at_corner(1)] {
        engine.reset();
        let y = run(&mut engine, &input, |_| point);
        let late = RATE / 2..;
        let [got, want] = [&y, &alone].map(|y| tone_db(&y[late.clone()], 200.0));
        assert!((got - want).abs() < 0.1, "{point:?}: {got}, {want}");
    }
}

#[test]
fn a_voice_for_other_content_is_refused() {
    let mut other = AtCorner::seeded(2, &[1], 16_000.0);
    other.config.decoder.content = 12;
    let shapes = other.config.decoder.shapes();
    let embedding = other.config.decoder.embedding_shape();
    let shapes: Vec<_> = shapes.into_iter().chain([embedding]).collect();
    other.weights = autovoice::quality::seeded::weights(shapes, 3).unwrap();
    let company = |corner| {
        let mut others: [_; CORNERS] = Default::default();
        others[1] = Some(other.speaker());
        Company { corner, others }
    };
    let made = |company| {
        let own = AtCorner::seeded(1, &[1], 16_000.0);
        let mut ingredients = own.ingredients();
        ingredients.company = company;
        DdspEngine::new(ingredients)
    };
    let error = made(company(Some(0))).err().unwrap().to_string();
    assert!(error.contains("made for this content encoder"), "{error}");
    // Who has no corner, or that of somebody else, has no company there.
    assert!(made(company(None)).is_ok());
    assert!(made(company(Some(1))).is_ok());
}
