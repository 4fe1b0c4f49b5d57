//! One thread cuts, several parse and weigh, and whoever asked takes what they read in the order of the files.

use super::intake::{Intake, intake};
use super::pieces::{Piece, Trouble, pieces};
use crate::manifests::Found;
use snc_catalogue::Scales;
use std::fs::File;
use std::io::BufReader;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

const BUFFER: usize = 1 << 18;
/// Text that goes from one thread to another at once.
const LOAD: usize = 1 << 17;
/// Loads that wait for each thread.
const WAITING: usize = 2;

/// What came of a file, in its order.
pub enum Read {
    /// With what its objects come to.
    Piece(Piece, Intake),
    Ended(Trouble),
}

struct Load<T> {
    file: usize,
    held: Vec<T>,
}

type Uncut = Load<Result<Piece, Trouble>>;

pub fn read(file: &Found, take: impl FnMut(Piece)) -> Result<(), Trouble> {
    match &file.path {
        None => pieces(BufReader::with_capacity(BUFFER, std::io::stdin().lock()), take),
        Some(path) => pieces(BufReader::with_capacity(BUFFER, File::open(path)?), take),
    }
}

/// Each thread has its turn, so that what comes out is in order and nobody runs ahead of the slowest.
pub fn run(files: &[Found], scales: &Scales<'_>, mut take: impl FnMut(&Found, Read)) {
    let threads = thread::available_parallelism().map_or(1, std::num::NonZero::get).min(8);
    thread::scope(|scope| {
        let (mut inputs, mut outputs) = (Vec::new(), Vec::new());
        for _ in 0..threads {
            let (input, uncut) = sync_channel(WAITING);
            let (parsed, output) = sync_channel(WAITING);
            scope.spawn(move || parsing(files, scales, &uncut, &parsed));
            inputs.push(input);
            outputs.push(output);
        }
        scope.spawn(move || cutting(files, &inputs));
        for output in outputs.iter().cycle() {
            let Ok(Load { file, held }) = output.recv() else { return };
            let Some(file) = files.get(file) else { continue };
            for read in held {
                take(file, read);
            }
        }
    });
}

fn cutting(files: &[Found], inputs: &[SyncSender<Uncut>]) {
    let mut turns = inputs.iter().cycle();
    // Whoever takes them is there until this thread has ended.
    let mut send = |file, held| turns.next().map(|input| input.send(Load { file, held }));
    for (index, file) in files.iter().enumerate() {
        let (mut held, mut length) = (Vec::new(), 0);
        let ended = read(file, |piece| {
            length += piece.text.len();
            held.push(Ok(piece));
            if length >= LOAD {
                length = 0;
                send(index, std::mem::take(&mut held));
            }
        });
        held.extend(ended.err().map(Err));
        if !held.is_empty() {
            send(index, held);
        }
    }
}

fn parsing(files: &[Found], scales: &Scales<'_>, uncut: &Receiver<Uncut>, parsed: &SyncSender<Load<Read>>) {
    for Load { file, held } in uncut {
        let name = files.get(file).map_or("", |file| file.name.as_str());
        let parse = |piece: Result<Piece, Trouble>| match piece {
            Ok(piece) => {
                let found = intake(name, &piece, scales);
                Read::Piece(piece, found)
            }
            Err(trouble) => Read::Ended(trouble),
        };
        let held = held.into_iter().map(parse).collect();
        if parsed.send(Load { file, held }).is_err() {
            return;
        }
    }
}
