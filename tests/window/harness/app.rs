use std::{fs::File, net::TcpListener, ops::RangeBounds, path::PathBuf, process::Command};

use anyhow::{Context, bail};
use fantoccini::{
    Client, ClientBuilder, Locator,
    actions::{InputSource, KeyAction, KeyActions},
    elements::Element,
};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::{Colour, Desktop, Home, Picture, Process, until};

/// The program with its window open, and the driver that looks at it.
pub struct App {
    client: Client,
    driver: Process,
}

impl App {
    /// Starts the program in `home` and waits until its page is there.
    ///
    /// # Errors
    /// Fails where the program, the driver or the page does not come up.
    pub async fn start(desktop: &Desktop, home: &Home, flags: &[&str]) -> anyhow::Result<Self> {
        let app = Self::launch(desktop, home, flags).await?;
        app.find("app").await.with_context(|| format!("the logs are in {}", home.path().display()))?;
        Ok(app)
    }

    /// Starts the program without showing its window, and waits until its page has been loaded.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn start_hidden(desktop: &Desktop, home: &Home) -> anyhow::Result<Self> {
        let app = Self::launch(desktop, home, &["--hidden"]).await?;
        until("the page", async || {
            let there = app.script("return document.querySelector('[data-testid=app]') !== null").await?;
            Ok((there == true).then_some(()))
        })
        .await?;
        Ok(app)
    }

    async fn launch(desktop: &Desktop, home: &Home, flags: &[&str]) -> anyhow::Result<Self> {
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut command = Command::new("WebKitWebDriver");
        let log = File::create(home.path().join("driver.log"))?;
        command.arg(format!("--port={port}")).stdout(log.try_clone()?).stderr(log);
        command.env("TAURI_AUTOMATION", "true").env("TAURI_WEBVIEW_AUTOMATION", "true");
        let driver = Process::start(desktop.settle(home.settle(&mut command)))?;

        let program = program("eider")?;
        let args: Vec<String> =
            home.flags().into_iter().chain(flags.iter().map(|flag| (*flag).into())).collect();
        let wanted = json!({ "webkitgtk:browserOptions": { "binary": program, "args": args } });
        let Value::Object(wanted) = wanted else { bail!("capabilities are an object") };
        let builder = || {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(wanted.clone());
            builder
        };
        let address = format!("http://127.0.0.1:{port}");
        until("the driver", async || {
            Ok(tokio::net::TcpStream::connect(("127.0.0.1", port)).await.map(Some)?)
        })
        .await?;
        let client = builder().connect(&address).await.context("the driver could not start the program")?;
        Ok(Self { client, driver })
    }

    /// The element with this `data-testid`, as soon as it is shown.
    ///
    /// # Errors
    /// Fails where it does not show up in time.
    pub async fn find(&self, testid: &str) -> anyhow::Result<Element> {
        until(&format!("{testid} to show up"), async || {
            let element = self.client.find(Locator::Css(&selector(testid))).await?;
            Ok(element.is_displayed().await?.then_some(element))
        })
        .await
    }

    /// Waits until no element with this `data-testid` is shown.
    ///
    /// # Errors
    /// Fails where it stays.
    pub async fn gone(&self, testid: &str) -> anyhow::Result<()> {
        until(&format!("{testid} to go away"), async || {
            Ok(self.client.find_all(Locator::Css(&selector(testid))).await?.is_empty().then_some(()))
        })
        .await
    }

    /// Clicks the element with this `data-testid`.
    ///
    /// # Errors
    /// Fails where it does not show up or cannot be clicked in time.
    pub async fn click(&self, testid: &str) -> anyhow::Result<()> {
        until(&format!("a click on {testid}"), async || {
            self.find(testid).await?.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Clicks what a CSS selector names, for what has no `data-testid` of its own.
    ///
    /// # Errors
    /// Fails where it does not show up or cannot be clicked in time.
    pub async fn click_on(&self, css: &str) -> anyhow::Result<()> {
        until(&format!("a click on {css}"), async || {
            self.client.find(Locator::Css(css)).await?.click().await?;
            Ok(Some(()))
        })
        .await
    }

    /// Waits until the text of an element satisfies `wanted`, and returns it.
    ///
    /// # Errors
    /// Fails where it does not in time.
    pub async fn text(&self, testid: &str, wanted: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        until(&format!("the text of {testid}"), async || {
            let text = self.find(testid).await?.text().await?;
            if wanted(&text) { Ok(Some(text)) } else { bail!("it is {text:?}") }
        })
        .await
    }

    /// Chooses a value in a `<select>`.
    ///
    /// # Errors
    /// Fails where it has no such value.
    pub async fn choose(&self, testid: &str, value: &str) -> anyhow::Result<()> {
        Ok(self.find(testid).await?.select_by_value(value).await?)
    }

    /// Types into a field, in place of what stood there.
    ///
    /// # Errors
    /// Fails where it cannot be typed into.
    pub async fn type_into(&self, testid: &str, text: &str) -> anyhow::Result<()> {
        let field = self.find(testid).await?;
        field.clear().await?;
        Ok(field.send_keys(text).await?)
    }

    /// Waits until most of an element has this colour.
    ///
    /// # Errors
    /// Fails where it does not in time.
    pub async fn background(&self, testid: &str, colour: Colour) -> anyhow::Result<()> {
        until(&format!("the colour of {testid}"), async || {
            let found = self.picture(testid).await?.background();
            if found == colour { Ok(Some(())) } else { bail!("it is {found:02x?}, not {colour:02x?}") }
        })
        .await
    }

    /// Waits until a chart says that it has drawn so many points, and takes its picture.
    ///
    /// # Errors
    /// Fails where it does not in time.
    pub async fn drawn(&self, testid: &str, points: impl RangeBounds<u32>) -> anyhow::Result<Picture> {
        until(&format!("{testid} to be drawn"), async || {
            let chart = self.find(testid).await?;
            let count = chart.attr("data-points").await?.and_then(|count| count.parse().ok()).unwrap_or(0);
            if chart.attr("data-drawn").await?.as_deref() != Some("true") || !points.contains(&count) {
                bail!("it has drawn {count} points");
            }
            self.picture(testid).await.map(Some)
        })
        .await
    }

    /// Takes a picture of one element, cut out of the window's: WebKitWebDriver misplaces those of elements.
    ///
    /// # Errors
    /// Fails where the element is not there, or not within the window.
    pub async fn picture(&self, testid: &str) -> anyhow::Result<Picture> {
        let script = format!(
            "const box = document.querySelector(`{}`).getBoundingClientRect();
             return [box.left, box.top, box.width, box.height].map((side) => Math.round(side * devicePixelRatio));",
            selector(testid)
        );
        let sides: [usize; 4] = serde_json::from_value(self.script(&script).await?)?;
        Picture::read(&self.screenshot().await?)?.cut(sides)
    }

    /// Takes a picture of the window, as PNG.
    ///
    /// # Errors
    /// Fails where the driver does not answer.
    pub async fn screenshot(&self) -> anyhow::Result<Vec<u8>> {
        Ok(self.client.screenshot().await?)
    }

    /// Runs a script in the page and returns what it returns.
    ///
    /// # Errors
    /// Fails where the script does.
    pub async fn script(&self, script: &str) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, vec![]).await?)
    }

    /// Gives the window a size, in pixels, and waits until it has it.
    ///
    /// # Errors
    /// Fails where it does not get it in time.
    pub async fn resize(&self, width: u32, height: u32) -> anyhow::Result<()> {
        self.client.set_window_size(width, height).await?;
        self.has_size(width, height).await
    }

    /// Waits until the page has this size, in pixels.
    ///
    /// # Errors
    /// Fails where it does not in time.
    pub async fn has_size(&self, width: u32, height: u32) -> anyhow::Result<()> {
        until("the size of the window", async || {
            let size =
                self.script("return [innerWidth * devicePixelRatio, innerHeight * devicePixelRatio]").await?;
            if size == json!([width, height]) { Ok(Some(())) } else { bail!("it is {size}") }
        })
        .await
    }

    /// Presses one key after the other, the first ones held down until the last is released.
    ///
    /// # Errors
    /// Fails where the driver refuses.
    pub async fn press(&self, keys: &[char]) -> anyhow::Result<()> {
        let down = keys.iter().map(|key| KeyAction::Down { value: *key });
        let up = keys.iter().rev().map(|key| KeyAction::Up { value: *key });
        let actions = down.chain(up).fold(KeyActions::new("keyboard".into()), InputSource::then);
        Ok(self.client.perform_actions(actions).await?)
    }

    /// The process of the program itself.
    ///
    /// # Errors
    /// Fails where the driver has not started it.
    pub fn pid(&self) -> anyhow::Result<u32> {
        let is_program = |pid: &u32| {
            let path = std::fs::read_link(format!("/proc/{pid}/exe"));
            path.is_ok_and(|path| path.file_name().is_some_and(|name| name == "eider"))
        };
        self.driver.tree().into_iter().find(is_program).context("the program is not running")
    }

    /// Asks the program to end, as a session manager does, and waits until it has.
    ///
    /// # Errors
    /// Fails where it does not in time.
    pub async fn quit(self) -> anyhow::Result<()> {
        let pid = self.pid()?;
        Process::terminate(pid);
        // A program that has ended stays in the process table until the driver notices.
        until("the program to end", async || {
            let state = std::fs::read_to_string(format!("/proc/{pid}/stat"));
            Ok(state.map_or(true, |stat| stat.contains(") Z ")).then_some(()))
        })
        .await
    }
}

/// A program that was built beside this one.
///
/// # Errors
/// Fails where it was not built.
pub fn program(name: &str) -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    // A test runs from `target/<profile>/deps`, `shots` from `target/<profile>`.
    let beside = own.ancestors().skip(1).take(2).map(|folder| folder.join(name)).find(|path| path.is_file());
    beside.with_context(|| format!("{name} is not built: `make test` builds it before it tests"))
}

fn selector(testid: &str) -> String {
    format!("[data-testid='{testid}']")
}
