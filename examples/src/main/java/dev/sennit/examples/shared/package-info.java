/** Memory, locks and queues that processes share. */
package dev.sennit.examples.shared;
