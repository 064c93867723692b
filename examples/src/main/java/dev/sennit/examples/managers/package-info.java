/** Objects in a manager, used from other processes. */
package dev.sennit.examples.managers;
