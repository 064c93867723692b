/** What goes along with tasks, and blocks that tasks end with. */
package dev.sennit.examples.context;
