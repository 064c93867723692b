/** Pipes and listeners between processes. */
package dev.sennit.examples.pipes;
