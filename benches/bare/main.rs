//! A window with a static page that says when it has been painted.

/// The page has been painted: the benchmark reads this line.
#[tauri::command]
fn painted() {
    println!("painted");
}

fn main() {
    tauri::Builder::default()
        .invoke_handler(tauri::generate_handler![painted])
        .run(tauri::generate_context!())
        .expect("a display for the window");
}
