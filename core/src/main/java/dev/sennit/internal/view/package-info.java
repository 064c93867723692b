/** The seam between pools and views: events of tasks, and the lists of open pools and beans. */
@NullMarked
package dev.sennit.internal.view;

import org.jspecify.annotations.NullMarked;
