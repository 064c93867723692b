/** Pools of any kind: submitting, mapping, waiting, limits and stopping. */
package dev.sennit.examples.pools;
