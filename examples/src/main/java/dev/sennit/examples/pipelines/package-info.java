/** Stages joined by queues. */
package dev.sennit.examples.pipelines;
