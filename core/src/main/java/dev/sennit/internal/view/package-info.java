/** The seam between pools and those who look on: what is told of tasks, and which pools and beans there are. */
@NullMarked
package dev.sennit.internal.view;

import org.jspecify.annotations.NullMarked;
