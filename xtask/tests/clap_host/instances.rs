//! Many instances, many threads.

use std::sync::atomic::{AtomicBool, Ordering};

use xtask::clap_host::Bundle;
use xtask::measure::tone;

use crate::support::{Blocks, RATE_HZ, assert_clean, bundle, instance, render_once};

const FRAMES: usize = 9_600;

fn pitch_of(index: usize) -> String {
    format!("{} st", index as i32 % 49 - 24)
}

fn alone(bundle: &Bundle, index: usize, input: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let mut plugin = instance(bundle, (2, 2));
    plugin.set("pitch", &pitch_of(index)).unwrap();
    render_once(&mut plugin, RATE_HZ, Blocks::Of(160), input)
}

/// Fifty instances, processed from four threads at once, each sounding as it does alone.
#[test]
fn fifty_instances_do_not_hear_each_other() {
    let Some(bundle) = bundle() else { return };
    let input = vec![tone(RATE_HZ, 220.0, 0.4, FRAMES); 2];
    let mut plugins: Vec<_> = (0..50)
        .map(|index| {
            let mut plugin = instance(&bundle, (2, 2));
            plugin.set("pitch", &pitch_of(index)).unwrap();
            plugin
        })
        .collect();
    let mut audios: Vec<_> = plugins
        .iter_mut()
        .map(|plugin| plugin.activate(RATE_HZ, 160).unwrap())
        .collect();
    let mut outputs: Vec<Vec<Vec<f32>>> = vec![vec![Vec::new(); 2]; audios.len()];
    std::thread::scope(|scope| {
        let work = audios.chunks_mut(13).zip(outputs.chunks_mut(13));
        for (audios, outputs) in work {
            let input = &input;
            // Block by block through all of a thread's instances, as a mixer goes.
            scope.spawn(move || {
                for start in (0..FRAMES).step_by(160) {
                    let block: Vec<Vec<f32>> = input
                        .iter()
                        .map(|c| c[start..start + 160].to_vec())
                        .collect();
                    for (audio, output) in audios.iter_mut().zip(outputs.iter_mut()) {
                        let rendered = audio.render(&block, || 160, &[]).unwrap();
                        for (all, part) in output.iter_mut().zip(rendered) {
                            all.extend(part);
                        }
                    }
                }
            });
        }
    });
    for index in [0, 1, 24, 28, 37, 49] {
        let expected = alone(&bundle, index, &input);
        assert!(
            outputs[index] == expected,
            "instance {index} sounds different in company"
        );
    }
    assert!(
        outputs[0] != outputs[28],
        "different pitches sound the same"
    );
    for (plugin, audio) in plugins.iter_mut().zip(audios) {
        plugin.deactivate(audio);
        assert_clean(plugin);
    }
}

/// The main thread saves, loads and reads while the audio thread runs.
#[test]
fn the_main_thread_may_work_while_audio_runs() {
    let Some(bundle) = bundle() else { return };
    let mut plugin = instance(&bundle, (2, 2));
    let mut audio = plugin.activate(RATE_HZ, 64).unwrap();
    let input = vec![tone(RATE_HZ, 220.0, 0.4, 96_000); 2];
    let done = AtomicBool::new(false);
    let mut rounds = 0;
    let audio = std::thread::scope(|scope| {
        let audio_thread = scope.spawn(|| {
            let output = audio.render(&input, || 64, &[]);
            done.store(true, Ordering::SeqCst);
            output.unwrap();
            audio
        });
        while !done.load(Ordering::SeqCst) {
            let state = plugin.save().unwrap();
            plugin.load(&state).unwrap();
            for param in plugin.params() {
                let value = plugin.value(param.id).unwrap();
                plugin.text(param.id, value).unwrap();
            }
            plugin.idle();
            rounds += 1;
        }
        audio_thread.join().unwrap()
    });
    assert!(rounds > 0);
    plugin.deactivate(audio);
    assert_clean(&plugin);
}
