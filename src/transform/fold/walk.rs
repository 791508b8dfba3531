//! What one map, on its way to the operators that take it in, would change.

use super::home::Home;
use super::planner::Planner;
use super::site::{Leaf, Place, Site};
use crate::affine::Affine;
use crate::graph::NodeId;
use crate::refusal::{Code, Refusal};

/// More nodes are not looked at for one map: each would walk all the way.
const LONGEST: usize = 1000;

/// What a map would change. Nothing is changed before all of it is known to work.
pub struct Walk {
    /// What takes the map in, as it would be then.
    pub sites: Vec<(Place, Site)>,
    /// Nodes that apply maps, which go in as well; the first is where the walk began.
    pub consumed: Vec<NodeId>,
    /// Nodes that kept the shift of a place, and go now that it goes right behind the place.
    pub released: Vec<(NodeId, Place)>,
    visited: usize,
}

/// How much was noted: sites, nodes that go in, nodes that are released.
pub type Mark = [usize; 3];

/// What one place is to take in.
pub struct Take {
    /// The map on its output.
    pub after: Affine,
    /// The map on its input.
    pub before: Affine,
    /// Where the shift can go, if there is no place for it yet.
    pub home: Home,
    /// The map where the shift has its place already.
    pub at_home: Option<Affine>,
    /// Whether the map comes from before the place.
    pub forward: bool,
}

impl Take {
    /// A map on the output.
    pub fn after(map: Affine) -> Take {
        Take { after: map, before: Affine::scalar(1.0, 0.0), home: Home::None, at_home: None, forward: false }
    }

    /// A map on the input; `home` is an Add right after the operator.
    pub fn before(map: Affine, home: Home) -> Take {
        Take { after: Affine::scalar(1.0, 0.0), before: map, home, at_home: None, forward: true }
    }

    /// What the node does already that is to keep the shift. On a walk back it was passed.
    fn own_shift(&self) -> Affine {
        match &self.home {
            Home::At { total, .. } if self.forward => total.clone(),
            _ => Affine::scalar(1.0, 0.0),
        }
    }
}

impl Walk {
    /// A walk that begins at a node.
    pub fn new(root: NodeId) -> Walk {
        Walk { sites: Vec::new(), consumed: vec![root], released: Vec::new(), visited: 0 }
    }

    /// Where it began.
    pub fn root(&self) -> NodeId {
        self.consumed[0]
    }

    /// Counts a node on the way.
    ///
    /// # Errors
    /// The refusal, when there are too many.
    pub fn step(&mut self) -> Result<(), Refusal> {
        self.visited += 1;
        match self.visited > LONGEST {
            true => Err(Refusal::new(Code::NoLinearProducer, format!("more than {LONGEST} nodes lie between"))),
            false => Ok(()),
        }
    }

    /// What is noted so far, to come back to.
    pub fn mark(&self) -> Mark {
        [self.sites.len(), self.consumed.len(), self.released.len()]
    }

    /// Forgets what was noted since.
    pub fn rewind(&mut self, [sites, consumed, released]: Mark) {
        self.sites.truncate(sites);
        self.consumed.truncate(consumed);
        self.released.truncate(released);
    }

    /// What a place has taken in so far, on this walk or before.
    pub fn site<'a>(&'a self, planner: &'a Planner, place: Place) -> Option<&'a Site> {
        let own = self.sites.iter().rev().find(|(known, _)| *known == place);
        own.map(|(_, site)| site).or_else(|| planner.site(place))
    }

    /// Lets a place take a map in, after what it has taken in before.
    ///
    /// # Errors
    /// The refusal, when it cannot.
    pub fn take(&mut self, planner: &Planner, place: Place, leaf: Leaf, take: Take) -> Result<(), Refusal> {
        let mut site = self.site(planner, place).cloned().unwrap_or_else(|| Site::new(leaf));
        if let Leaf::Linear(linear) = &site.leaf {
            planner.check_overflow(self.root(), linear)?;
        }
        let misfit = || {
            let detail = format!("the maps into `{}` depend on axes of other lengths", planner.graph.label(place.node));
            Refusal::because_of(planner.graph, place.node, Code::Malformed, detail)
        };
        self.released.extend(site.release(&take).map(|node| (node, place)));
        site.forget_unused_home();
        site.before = take.before.then(&site.before).ok_or_else(misfit)?;
        let candidate = if site.takes_home_behind_others() { take.home.clone() } else { take.home.clone().if_direct() };
        let passes_home = take.at_home.is_some();
        let own = take.own_shift();
        let is_new = site.settle(candidate, take.at_home).ok_or_else(misfit)?;
        site.then(&take.after, is_new || passes_home).ok_or_else(misfit)?;
        if is_new {
            site.after = site.after.then(&own).ok_or_else(misfit)?;
        }
        site.evaluate(&planner.operator(place.node), self.root().index())?;
        self.sites.push((place, site));
        Ok(())
    }
}
