//! `/v1/prices` of `eiderd` under a steady load.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use hdrhistogram::Histogram;
use window_tests::{Home, Market, Process, program};

use crate::report::Report;

const RATE: u32 = 1_000;
const CONNECTIONS: u32 = 8;
const WARM_UP: Duration = Duration::from_secs(2);
const SPAN: Duration = Duration::from_secs(20);
const QUERY: &str = "/v1/prices?ids=duckchain-token,the-open-network,bitcoin,ethereum,tether";

pub(crate) async fn measure(report: &mut Report) -> anyhow::Result<()> {
    let market = Market::start().await?;
    let home = Home::new(&market)?;
    let mut command = Command::new(program("eiderd")?);
    command.args(home.flags()).args(["--listen", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut eiderd = Process::start(home.settle(&mut command))?;
    let mut line = String::new();
    BufReader::new(eiderd.output().context("its output is piped")?).read_line(&mut line)?;
    let address =
        line.trim().strip_prefix("listening on http://").context("the first line of eiderd")?.to_owned();
    let token = fs::read_to_string(home.data_dir().join("api-token"))?;
    let request =
        format!("GET {QUERY} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n\r\n", token.trim());

    // The market's server shares this runtime: it must go on answering.
    let latencies = tokio::task::spawn_blocking(move || {
        load(&address, &request, WARM_UP)?;
        load(&address, &request, SPAN)
    })
    .await??;
    let ms = |quantile| latencies.value_at_quantile(quantile) as f64 / 1e6;
    report.add("/v1/prices at 1,000 requests/s, median", ms(0.5), "ms", None);
    report.add("/v1/prices at 1,000 requests/s, p99", ms(0.99), "ms", Some(2.0));
    Ok(())
}

/// Sends at fixed times, whatever the answers do, and counts each latency from the time it was due: a pause of
/// the server is seen by every request that fell into it.
fn load(address: &str, request: &str, span: Duration) -> anyhow::Result<Histogram<u64>> {
    let began = Instant::now() + Duration::from_millis(50);
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|worker| {
            let (address, request) = (address.to_owned(), request.to_owned());
            thread::spawn(move || send(&address, &request, began, worker, span))
        })
        .collect();
    let mut all = Histogram::new(3)?;
    for worker in workers {
        all.add(worker.join().expect("a worker does not panic")?)?;
    }
    Ok(all)
}

fn send(
    address: &str,
    request: &str,
    began: Instant,
    worker: u32,
    span: Duration,
) -> anyhow::Result<Histogram<u64>> {
    let mut latencies = Histogram::new(3)?;
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut replies = BufReader::new(stream.try_clone()?);
    let mut body = Vec::new();
    for number in (worker..).step_by(CONNECTIONS as usize) {
        let due = began + Duration::from_secs(1) / RATE * number;
        if due >= began + span {
            return Ok(latencies);
        }
        thread::sleep(due.saturating_duration_since(Instant::now()));
        stream.write_all(request.as_bytes())?;
        read_reply(&mut replies, &mut body)?;
        latencies.record(due.elapsed().as_nanos() as u64)?;
    }
    Ok(latencies)
}

fn read_reply(replies: &mut impl BufRead, body: &mut Vec<u8>) -> anyhow::Result<()> {
    let (mut line, mut length) = (String::new(), None);
    replies.read_line(&mut line)?;
    ensure!(line.contains(" 200 "), "the server answered {line:?}");
    while line != "\r\n" {
        line.clear();
        ensure!(replies.read_line(&mut line)? > 0, "the connection ended");
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
        {
            length = Some(value.trim().parse::<usize>()?);
        }
    }
    body.resize(length.context("a reply tells its length")?, 0);
    replies.read_exact(body)?;
    Ok(())
}
