import { type Html, html } from '../report/html';

/** Where a person gives a token. `to`: the address that was wanted; `problem`: why the one before was not taken. */
export const signInBody = ({ to, problem }: { to: string; problem: string | null }): Html => html`<h1>Sign in</h1>
<form class="sign-in" method="post" action="/sign-in">
${problem === null ? null : html`<p class="alert" id="problem" role="alert">${problem}</p>`}
<input type="hidden" name="to" value="${to}">
<p><label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" spellcheck="false" autocapitalize="off" required autofocus${problem === null ? null : html` aria-describedby="problem" aria-invalid="true"`}></p>
<p><button type="submit" class="primary">Sign in</button></p>
<p class="muted">An administrator makes one with <code>assay token create NAME <span class="whole">--scope read</span></code>; <code>run</code> starts and steers, <code>admin</code> approves.</p>
</form>`;

/** A link of another site leads here without the cookie, which is strict; what this page itself asks for has it. */
export const forwardBody = (to: string): Html => html`<meta http-equiv="refresh" content="0; url=${to}"><p><a href="${to}">Go on</a></p>`;
