import type { Command } from 'commander';
import { AssayError } from '../contract';

/** A completion script made from the commands themselves, so that it cannot go stale. */
export function completion(program: Command, shell: string): void {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    description: command.description(),
    flags: flagsOf(command),
    below: command.commands.map((inner) => ({ name: inner.name(), description: inner.description(), flags: flagsOf(inner) })),
  }));
  const names = commands.map(({ name }) => name).join(' ');
  switch (shell) {
    case 'bash':
      process.stdout.write(
        [
          '_assay() {',
          '  local word="${COMP_WORDS[COMP_CWORD]}"',
          `  if [ "$COMP_CWORD" = 1 ]; then COMPREPLY=($(compgen -W "${names}" -- "$word")); return; fi`,
          '  local flags=""',
          '  case "${COMP_WORDS[1]}" in',
          ...commands.map(({ name, flags }) => `    ${name}) flags="${flags.join(' ')}" ;;`),
          '  esac',
          '  if [ "$COMP_CWORD" = 2 ]; then case "${COMP_WORDS[1]}" in',
          ...commands
            .filter(({ below }) => below.length > 0)
            .map(
              ({ name, below }) => `    ${name}) COMPREPLY=($(compgen -W "${below.map((inner) => inner.name).join(' ')}" -- "$word")) ;;`,
            ),
          '  esac; if [ ${#COMPREPLY[@]} -gt 0 ]; then return; fi; fi',
          '  case "${COMP_WORDS[1]} ${COMP_WORDS[2]}" in',
          ...commands.flatMap(({ name, below }) =>
            below.map((inner) => `    "${name} ${inner.name}") flags="${inner.flags.join(' ')}" ;;`),
          ),
          '  esac',
          '  case "$word" in -*) COMPREPLY=($(compgen -W "$flags" -- "$word")) ;; *) COMPREPLY=($(compgen -f -- "$word")) ;; esac',
          '}',
          'complete -F _assay assay',
          '',
        ].join('\n'),
      );
      return;
    case 'zsh':
      process.stdout.write(
        [
          '#compdef assay',
          `_arguments '1: :((${commands.map(({ name, description }) => `${name}\\:"${description.replace(/['":]/g, '')}"`).join(' ')}))' '*: :_files'`,
          '',
        ].join('\n'),
      );
      return;
    case 'fish':
      process.stdout.write(
        commands
          .flatMap(({ name, description, flags, below }) => [
            `complete -c assay -n __fish_use_subcommand -a ${name} -d '${description.replace(/'/g, '')}'`,
            ...below.map(
              (inner) =>
                `complete -c assay -n '__fish_seen_subcommand_from ${name}' -a ${inner.name} -d '${inner.description.replace(/'/g, '')}'`,
            ),
            ...flags.map((flag) => `complete -c assay -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`),
          ])
          .join('\n'),
      );
      process.stdout.write('\n');
      return;
    default:
      throw new AssayError('Unsupported', `no completion for "${shell}"; expected bash, zsh or fish`);
  }
}

const flagsOf = (command: Command): string[] => command.options.flatMap((option) => (option.long ? [option.long] : []));
