/** Calls and tasks that are tried again. */
package dev.sennit.examples.retries;
