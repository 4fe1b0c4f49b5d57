mod answers;
mod rig;
mod together;
mod ways;
