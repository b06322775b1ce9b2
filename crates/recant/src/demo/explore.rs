//! After the story, with `--keep`: everything runs on, and this says how to look at it.

use super::environment;
use super::stage::{self, Page, Stage};

/// Says where everything is, and waits for a signal.
pub(super) fn explore(stage: &Stage, shop: &str, page: Page) -> anyhow::Result<()> {
    let narrator = &stage.narrator;
    narrator.heading("Everything runs on for you to explore; Ctrl-C stops it")?;
    let plane = stage.plane();
    narrator.tell(format!("plane   http://{}   process {}", plane.api, plane.process.id()))?;
    for (n, edge) in stage.edges.iter().enumerate() {
        let Some(edge) = edge else { continue };
        let (name, id) = (stage::name(n), edge.process.id());
        narrator.tell(format!("{name}  http://{}   process {id}", edge.viewer))?;
    }
    narrator.tell(format!("origin  http://{}   process {}", stage.origin.address, std::process::id()))?;
    narrator.tell("\nIn another shell:")?;
    narrator.tell(stage.path_line())?;
    narrator.tell(environment(stage))?;
    narrator.tell(format!("$ recant cloudfront list-invalidations-for-distribution-tenant --id {shop}"))?;
    for (_, viewer) in stage.living() {
        narrator.tell(format!("$ curl -i -H 'Host: {}' http://{viewer}{}", page.host(), page.path))?;
    }
    if let Some(edge) = &stage.edges[0] {
        narrator.tell("\nLose edge 1, as the story lost edge 2, and start it again:")?;
        narrator.tell(format!("$ kill -9 {}", edge.process.id()))?;
        narrator.tell(format!(
            "$ recant edge --plane http://{} --viewer {} \\\n     --data-dir {}",
            plane.api,
            edge.viewer,
            stage.folder.edge(0).display(),
        ))?;
    }
    narrator.tell(format!("\nThe folder {} stays.", stage.folder.path.display()))?;
    stage.patience.until_over();
    Ok(())
}
