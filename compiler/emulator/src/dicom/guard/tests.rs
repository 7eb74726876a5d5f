use super::*;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::thread::ThreadId;

fn piece<T: Send + 'static>(
    name: &'static str,
    threads: bool,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Failed> {
    let piece = Piece {
        identity: &|| identity(&[name.as_bytes()]),
        bytes: 1,
        threads,
    };
    guarded(&piece, work)
}

#[test]
fn a_panic_ends_its_own_work_and_that_is_not_done_again() {
    let (release, held) = mpsc::channel::<()>();
    let beside = thread::spawn(move || piece("beside", false, move || held.recv().is_ok()));
    let tries = Arc::new(AtomicUsize::new(0));
    for _ in 0..3 {
        let tries = tries.clone();
        let done: Result<(), Failed> = piece("broken", false, move || {
            tries.fetch_add(1, Ordering::SeqCst);
            panic!("a decoder's panic");
        });
        assert!(matches!(done, Err(Failed::Broken)), "{done:?}");
        assert_eq!(piece("whole", false, || 7).unwrap(), 7);
    }
    assert_eq!(tries.load(Ordering::SeqCst), 1);
    // What panics without a message of its own, too.
    let index = std::hint::black_box(8);
    let done = piece("out of bounds", false, move || [0_u8; 8][index]);
    assert!(matches!(done, Err(Failed::Broken)), "{done:?}");
    release.send(()).unwrap();
    assert!(beside.join().unwrap().unwrap());
}

#[test]
fn so_many_are_parked_and_no_more() {
    let nothing = || identity(&[]);
    let piece = |bytes| Piece {
        identity: &nothing,
        bytes,
        threads: false,
    };
    let (send, _receive) = mpsc::channel::<Result<(), Failed>>();
    let mut state = State::new();
    for _ in 0..PARKED {
        let number = state.enter(&piece(1), None, &send).unwrap();
        assert_eq!(state.lose(&Whose::Own(number)).len(), 1);
    }
    assert_eq!((state.parked, state.lost), (PARKED, PARKED as u64));
    let full = state.enter(&piece(1), None, &send);
    assert!(matches!(full, Err(Failed::Full)), "{full:?}");

    let mut state = State::new();
    for _ in 0..2 {
        let number = state.enter(&piece(LOST / 2), None, &send).unwrap();
        assert_eq!(state.lose(&Whose::Own(number)).len(), 1);
    }
    let full = state.enter(&piece(1), None, &send);
    assert!(matches!(full, Err(Failed::Full)), "{full:?}");
}

/// What holds for the process as a whole is seen in one of its own: other tests are at work beside this one.
#[test]
fn only_what_nobody_guards_is_said() {
    const CHILD: &str = "FRAMES_TEST_OF_PANICS";
    if std::env::var_os(CHILD).is_some() {
        install_hook(true);
        // The test's harness would take the hook away in the end, and wait for that for ever.
        let done = panic::catch_unwind(in_a_process_of_its_own);
        std::process::exit(i32::from(done.is_err()));
    }
    let mut child = Command::new(std::env::current_exe().unwrap());
    let test = "dicom::guard::tests::only_what_nobody_guards_is_said";
    child.args(["--exact", test, "--nocapture"]).env(CHILD, "1");
    let output = child.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    assert!(said.contains("words of nobody's"), "{said}");
    assert!(!said.contains("words of a decoder's"), "{said}");
}

fn in_a_process_of_its_own() {
    let id = || thread::current().id();
    let ids: Vec<ThreadId> = (0..3).map(|_| piece("id", false, id).unwrap()).collect();
    assert!(ids.iter().all(|one| *one == ids[0]), "{ids:?}");

    let broken = piece("broken", false, || panic!("words of a decoder's"));
    assert!(matches!(broken, Err::<(), _>(Failed::Broken)));
    assert!(piece("id", false, id).unwrap() != ids[0], "it is parked");

    // As jpeg-decoder does it: the channel never closes, since the other end is on the parked thread.
    let with_thread = || {
        let (send, receive) = mpsc::channel::<()>();
        let own = thread::Builder::new().name(format!("{OF_JPEG}0"));
        let own = own.spawn(move || {
            let _send = send;
            panic!("words of a decoder's own thread");
        });
        drop(own.unwrap());
        receive.recv().is_ok()
    };
    let sure = piece("with a thread", true, with_thread);
    assert!(matches!(sure, Err(Failed::Broken)), "{sure:?}");

    let both = Arc::new(Barrier::new(2));
    let (release, held) = mpsc::channel::<()>();
    let beside = thread::spawn({
        let both = both.clone();
        move || {
            let waits = move || {
                both.wait();
                held.recv().is_ok()
            };
            piece("beside", true, waits)
        }
    });
    both.wait();
    let unsure = piece("one of two", true, with_thread);
    assert!(matches!(unsure, Err(Failed::Unsure)), "{unsure:?}");
    let beside = beside.join().unwrap();
    assert!(matches!(beside, Err(Failed::Unsure)), "{beside:?}");
    release.send(()).unwrap();
    assert!(piece("beside", true, || true).unwrap(), "asked again");

    let nobody = |name: &str| {
        let named = thread::Builder::new().name(name.to_owned());
        named.spawn(|| panic!("words of nobody's")).unwrap()
    };
    assert!(nobody("nobody").join().is_err());
    // Nobody waits for it any more, and it is a decoder's nevertheless.
    let before = state().parked;
    let late = nobody("worker thread for component 1");
    while state().parked == before {
        thread::yield_now();
    }
    assert!(!late.is_finished());
}
