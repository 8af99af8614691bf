/** Tells those who watch an execution that its record has changed. */
export interface ExecutionEvents {
  /** Calls back after each change of this execution's row; returns the unsubscribe. */
  watchExecutions(execution: string, changed: () => void): () => void;
  changed(execution: string): void;
}

export function createExecutionEvents(): ExecutionEvents {
  const watchers = new Map<string, Set<() => void>>();
  return {
    watchExecutions(execution, changed) {
      const own = watchers.get(execution) ?? new Set();
      watchers.set(execution, own);
      // One function may watch twice, each with an end of its own.
      const watcher = (): void => changed();
      own.add(watcher);
      return () => {
        own.delete(watcher);
        if (own.size === 0 && watchers.get(execution) === own) watchers.delete(execution);
      };
    },
    changed(execution) {
      for (const watcher of watchers.get(execution) ?? []) watcher();
    },
  };
}
