//! End-to-end tests on a real API server, and what they are made of.

pub mod api;
pub mod audit;
pub mod authority;
pub mod churn;
pub mod cluster;
pub mod cosign;
pub mod definitions;
pub mod http;
pub mod left;
pub mod objects;
pub mod recorder;
pub mod registry;
pub mod s3;
pub mod suite;
pub mod wait;
pub mod webhook;
